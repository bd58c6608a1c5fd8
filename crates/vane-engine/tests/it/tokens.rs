//! Tokens against Mistral's own library, token by token, from every kind of file.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use vane_engine::{
    Effort, Message, Model, Part, Prompt, Role, Setting, Tokenizer, Tool, ToolCall, Version,
};

use crate::folder::Folder;
use crate::vocabularies as files;
use crate::write::Value;

fn opened(bytes: &[u8]) -> Tokenizer {
    let folder = Folder::new();
    Tokenizer::open(&folder.write("tokenizer", bytes)).unwrap()
}

fn ids(row: &Json) -> Vec<u32> {
    row["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap() as u32)
        .collect()
}

fn message(turn: &Json) -> Message {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let call = |call: &Json| ToolCall {
        id: text(&call["id"]),
        name: text(&call["name"]),
        arguments: text(&call["arguments"]),
    };
    let role = match turn[0].as_str().unwrap() {
        "system" => Role::System,
        "user" => Role::User,
        "calls" => Role::Caller(turn[1].as_array().unwrap().iter().map(call).collect()),
        "result" => Role::Tool {
            call_id: text(&turn[1]),
        },
        _ => Role::Assistant,
    };
    let content = match role {
        Role::Tool { .. } | Role::Caller(_) => content(&turn[2]),
        Role::System | Role::User | Role::Assistant => content(&turn[1]),
    };
    Message { role, content }
}

/// A text, or parts.
fn content(value: &Json) -> Vec<Part> {
    let Some(parts) = value.as_array() else {
        return vec![Part::Text(value.as_str().unwrap_or_default().to_owned())];
    };
    let part = |part: &Json| {
        let text = part[1].as_str().unwrap().to_owned();
        match part[0].as_str().unwrap() {
            "text" => Part::Text(text),
            kind => Part::Thought {
                text,
                closed: kind == "thought",
            },
        }
    };
    parts.iter().map(part).collect()
}

fn setting(row: &Json) -> Setting {
    let effort = row["setting"]["effort"].as_str();
    let schema = &row["setting"]["schema"];
    Setting {
        effort: effort.map(|name| Effort::named(name).unwrap()),
        schema: schema.is_object().then(|| schema.to_string()),
    }
}

fn tool(row: &Json) -> Tool {
    let function = &row["function"];
    let text = |key: &str| function[key].as_str().unwrap().to_owned();
    Tool {
        name: text("name"),
        description: text("description"),
        parameters: function["parameters"].to_string(),
        strict: false,
    }
}

/// All vectors of a fixture, and texts back from their tokens.
fn check(tokenizer: &Tokenizer, fixture: &Json, from: &str) {
    let version = fixture["version"].as_str().unwrap();
    for row in fixture["vectors"].as_array().unwrap() {
        let setting = setting(row);
        if setting.schema.is_some() && from != "tekken.json" {
            // Only Mistral's own file says that a model is told schemas.
            continue;
        }
        let told = if let Some(text) = row["text"].as_str() {
            let tokens = tokenizer.encode(text);
            let bytes: Vec<u8> = tokens
                .iter()
                .flat_map(|token| tokenizer.text(*token))
                .copied()
                .collect();
            let back = String::from_utf8(bytes).unwrap();
            let spaced = !files::is_tekken(fixture) && !text.is_empty();
            let expected = if spaced {
                format!(" {text}")
            } else {
                text.to_owned()
            };
            // A vocabulary that writes spaces as U+2581 cannot tell one from the other.
            assert_eq!(
                back,
                expected.replace('\u{2581}', if spaced { " " } else { "\u{2581}" })
            );
            tokens
        } else if let Some(fill) = row["fill"].as_array() {
            let part = |at: usize| fill[at].as_str().unwrap().to_owned();
            tokenizer
                .lay_out(&Prompt::Fill {
                    prefix: part(0),
                    suffix: part(1),
                })
                .unwrap()
        } else if let Some(talk) = row["talk"].as_array() {
            let tools: Vec<Tool> = row["tools"].as_array().unwrap().iter().map(tool).collect();
            let turns = talk.iter().map(message).collect();
            let prompt = Prompt::Chat(turns);
            tokenizer.lay_out_with(&prompt, &tools, &setting).unwrap()
        } else {
            let turns = row["chat"]
                .as_array()
                .unwrap()
                .iter()
                .map(message)
                .collect();
            tokenizer.lay_out(&Prompt::Chat(turns)).unwrap()
        };
        let what = if row["text"].is_null() {
            format!("{} {} {}", row["fill"], row["chat"], row["talk"])
        } else {
            row["text"].to_string()
        };
        assert_eq!(told, ids(row), "{version} from {from}: {what}");
    }
}

#[test]
fn sentencepiece_of_every_version_is_as_the_reference_has_it() {
    for fixture in files::fixtures()
        .iter()
        .filter(|fixture| !files::is_tekken(fixture))
    {
        let tokenizer = opened(&files::model(fixture));
        let expected = match fixture["version"].as_str().unwrap() {
            "v1" => Version::V1,
            "v2" | "v3" => Version::V3,
            _ => Version::V7,
        };
        assert_eq!(tokenizer.version(), expected);
        let has_gaps = ["v3", "v7"].contains(&fixture["version"].as_str().unwrap());
        assert_eq!(tokenizer.marks_gaps(), has_gaps);
        check(&tokenizer, fixture, "tokenizer.model");
    }
}

/// That model has the vocabulary of v2, and its conversations are those of v3.
#[test]
fn mistral_7b_v03_whose_vocabulary_has_no_marks_of_gaps_takes_tools() {
    let fixtures = files::fixtures();
    let named = |fixture: &Json, token: u64, name: &str| {
        let mut fixture = fixture.clone();
        for piece in fixture["pieces"].as_array_mut().unwrap() {
            if piece[0] == token {
                piece[1] = json!(name);
            }
        }
        fixture
    };
    let of_v2 = opened(&files::model(files::fixture(&fixtures, "v2")));
    assert!(of_v2.takes_tools() && !of_v2.marks_gaps());
    let mut fixture = files::fixture(&fixtures, "v3").clone();
    let is_fill = |row: &Json| row["fill"].is_array();
    fixture["vectors"]
        .as_array_mut()
        .unwrap()
        .retain(|row| !is_fill(row));
    let talks = fixture["vectors"].as_array().unwrap().iter();
    assert!(talks.filter(|row| row["talk"].is_array()).count() > 2);
    for token in 10..14 {
        fixture = named(&fixture, token, &format!("[control_{}]", token - 2));
    }
    let tokenizer = opened(&files::model(&fixture));
    assert!(tokenizer.takes_tools() && !tokenizer.marks_gaps());
    check(&tokenizer, &fixture, "a vocabulary of v2");
}

#[test]
fn converted_vocabularies_say_the_same() {
    for fixture in files::fixtures()
        .iter()
        .filter(|fixture| !files::is_tekken(fixture))
    {
        check(
            &opened(&files::json(fixture, false)),
            fixture,
            "tokenizer.json",
        );
        check(
            &opened(&files::json(fixture, true)),
            fixture,
            "older tokenizer.json",
        );
        let folder = Folder::new();
        let path = folder.write("model.gguf", files::gguf_of_pieces(fixture));
        check(
            Model::open(&path, &mut |_| ()).unwrap().tokenizer(),
            fixture,
            "gguf",
        );
    }
}

#[test]
fn tekken_is_as_the_reference_has_it() {
    for fixture in files::fixtures().iter().filter(|one| files::is_tekken(one)) {
        let expected = match fixture["version"].as_str().unwrap() {
            "v11" => Version::V11,
            "v13" => Version::V13,
            "v15" => Version::V15,
            _ => Version::V3,
        };
        let check = |tokenizer: &Tokenizer, from| {
            assert_eq!(tokenizer.version(), expected, "{from}");
            assert!(tokenizer.takes_tools() && tokenizer.marks_gaps());
            let has_thoughts = [Version::V13, Version::V15].contains(&expected);
            assert_eq!(tokenizer.thinks(), has_thoughts, "{from}");
            check(tokenizer, fixture, from);
        };
        check(&opened(&files::tekken(fixture)), "tekken.json");
        check(&opened(&files::json_of_tekken(fixture)), "tokenizer.json");
        let folder = Folder::new();
        let path = folder.write("model.gguf", files::gguf_of_tekken(fixture));
        let model = Model::open(&path, &mut |_| ()).unwrap();
        check(model.tokenizer(), "gguf");
    }
}

/// A vocabulary, what stands beside it, its version, and whether it takes tools.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Version, bool);

#[test]
fn a_tekken_vocabulary_learns_its_version_from_the_files_beside_it() {
    let fixtures = files::fixtures();
    let file = |of: &str| {
        let json = files::json_of_tekken(files::fixture(&fixtures, of));
        let mut json: Json = serde_json::from_slice(&json).unwrap();
        json["chat_template"] = Json::Null;
        (of.to_owned(), json.to_string())
    };
    let jsons = HashMap::from(["tekken", "v11", "v13"].map(file));
    let version = |of: &str, beside: &[(&str, &str)]| {
        let folder = Folder::new();
        let path = folder.write("tokenizer.json", &jsons[of]);
        for (name, text) in beside {
            folder.write(name, text);
        }
        let tokenizer = Tokenizer::open(&path).unwrap();
        (tokenizer.version(), tokenizer.takes_tools())
    };
    let jinja = |text: &'static str| [("chat_template.jinja", text)];
    let config = |text: &'static str| [("tokenizer_config.json", text)];
    let several = r#"{"chat_template": [{"name": "default", "template": "[SYSTEM_PROMPT]"}]}"#;
    let later = r#"{"chat_template": "[SYSTEM_PROMPT] [TOOL_CALLS]x[ARGS]"}"#;
    let older = "{{ '[SYSTEM_PROMPT]' }} [TOOL_CALLS]x[CALL_ID]y[ARGS]";
    let newest = "[MODEL_SETTINGS]{}[/MODEL_SETTINGS] [TOOL_CALLS]x[ARGS]";
    let rows: &[Row<'_>] = &[
        ("tekken", &[], Version::V3, true),
        (
            "tekken",
            &jinja("{{ '[SYSTEM_PROMPT]' }}"),
            Version::V7,
            true,
        ),
        ("tekken", &jinja("mistral-v7-tekken"), Version::V7, true),
        ("tekken", &config(several), Version::V7, true),
        ("tekken", &config("no JSON"), Version::V3, true),
        // A template that speaks of tokens which are not there.
        ("tekken", &config(later), Version::V13, false),
        ("tekken", &jinja(older), Version::V11, false),
        ("v13", &config(later), Version::V13, true),
        ("v13", &jinja(older), Version::V11, true),
        // The vocabulary alone says that it is later than v7, and no more.
        ("v11", &[], Version::Later, false),
        ("v13", &[], Version::Later, false),
        ("v13", &jinja("[SYSTEM_PROMPT]"), Version::Later, false),
        ("v13", &jinja(newest), Version::Later, false),
    ];
    for (of, beside, expected, tools) in rows {
        assert_eq!(version(of, beside), (*expected, *tools), "{of} {beside:?}");
    }
}

#[test]
fn marks_of_another_family_fill_in_nothing() {
    let fixtures = files::fixtures();
    let fixture = files::fixture(&fixtures, "v2");
    let rows = [
        ("tokenizer.ggml.prefix_token_id", Value::U32(1_100)),
        ("tokenizer.ggml.suffix_token_id", Value::U32(1_101)),
        ("tokenizer.ggml.middle_token_id", Value::U32(1_102)),
    ];
    let folder = Folder::new();
    let path = folder.write("model.gguf", files::gguf_of_pieces_and(fixture, &rows));
    let model = Model::open(&path, &mut |_| ()).unwrap();
    assert!(!model.tokenizer().marks_gaps());
}

#[test]
fn the_vectors_of_the_wire_contract_hold() {
    let fixtures = files::fixtures();
    let all: Vec<Tokenizer> = fixtures
        .iter()
        .map(|fixture| opened(&files::mistrals(fixture)))
        .collect();
    let tokenizer = |version: &str| {
        let place = fixtures
            .iter()
            .position(|fixture| fixture["version"] == version);
        &all[place.unwrap()]
    };
    let fill = |prefix: &str, suffix: &str| Prompt::Fill {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    };
    let turn = |role, content: &str| Message::new(role, content);
    let rows: &[(&str, Prompt, &[u32])] = &[
        (
            "v3",
            fill("def f(a):\n", "    return x"),
            &[
                1, 13, 3055, 1372, 2086, 11, 1569, 1053, 29500, 29476, 2097, 781,
            ],
        ),
        (
            "v3",
            fill("def f(a):\n", ""),
            &[1, 13, 11, 1569, 1053, 29500, 29476, 2097, 781],
        ),
        ("v3", fill("", "x"), &[1, 13, 29512, 11]),
        ("v7", fill("", "x"), &[1, 13, 29512, 11]),
        (
            "tekken",
            fill("def f(a):\n", "    return x"),
            &[1, 16, 1293, 1850, 2460, 14, 3149, 1284, 8897, 3640],
        ),
        (
            "v3",
            Prompt::Chat(vec![
                turn(Role::System, "Be brief."),
                turn(Role::User, "Hi"),
            ]),
            &[1, 3, 2507, 7585, 29491, 781, 781, 24577, 4],
        ),
        (
            "v3",
            Prompt::Chat(vec![
                turn(Role::User, "Hi"),
                turn(Role::Assistant, "Yo"),
                turn(Role::User, "Again"),
            ]),
            &[1, 3, 16127, 4, 1395, 29477, 2, 3, 10474, 4],
        ),
    ];
    for (version, prompt, expected) in rows {
        assert_eq!(
            tokenizer(version).lay_out(prompt).unwrap(),
            *expected,
            "{version} {prompt:?}"
        );
    }
    assert!(tokenizer("v2").lay_out(&fill("a", "b")).is_err());
}

#[test]
fn vocabularies_without_tools_lay_none_out() {
    let result = Role::Tool {
        call_id: String::new(),
    };
    let turn = |role, content: &str| Message::new(role, content);
    let answered = Prompt::Chat(vec![turn(Role::User, "Hi"), turn(result, "x")]);
    let fixtures = files::fixtures();
    let mut bare = files::fixture(&fixtures, "v2").clone();
    for piece in bare["pieces"].as_array_mut().unwrap() {
        let token = piece[0].as_u64().unwrap();
        if (5..10).contains(&token) {
            piece[1] = json!(format!("[control_{token}]"));
        }
    }
    let rows = [(&fixtures[0], Version::V1), (&bare, Version::V2)];
    for (fixture, version) in rows {
        let tokenizer = opened(&files::model(fixture));
        assert_eq!(tokenizer.version(), version);
        assert!(!tokenizer.takes_tools());
        assert!(tokenizer.lay_out(&answered).is_err());
    }
    // Later ones need the tokens between the parts of a call.
    let tool = tool(&json!({"function": {"name": "x", "description": "", "parameters": {}}}));
    let asked = Prompt::Chat(vec![turn(Role::User, "Hi")]);
    for (version, missing, takes) in [
        ("v11", "[ARGS]", false),
        ("v11", "[CALL_ID]", false),
        ("v11", "[TOOL_CONTENT]", false),
        ("v13", "[ARGS]", false),
        ("v13", "[CALL_ID]", true),
        ("v13", "[TOOL_CONTENT]", true),
    ] {
        let mut fixture = files::fixture(&fixtures, version).clone();
        let names = fixture["special"].as_array_mut().unwrap();
        let place = names.iter().position(|name| name == missing).unwrap();
        names[place] = json!("<SPECIAL>");
        let tokenizer = opened(&files::tekken(&fixture));
        assert_eq!(tokenizer.takes_tools(), takes, "{version} {missing}");
        assert_eq!(tokenizer.lay_out(&answered).is_ok(), takes);
        let shown =
            tokenizer.lay_out_with(&asked, std::slice::from_ref(&tool), &Setting::default());
        assert_eq!(shown.is_ok(), takes);
        assert!(tokenizer.lay_out(&asked).is_ok());
    }
}

#[test]
fn tokens_of_calls_are_control_tokens_where_a_file_does_not_say_so() {
    let fixtures = files::fixtures();
    let fixture = files::fixture(&fixtures, "v13");
    let mut json: Json = serde_json::from_slice(&files::json_of_tekken(fixture)).unwrap();
    let added = json["added_tokens"].as_array_mut().unwrap();
    let before = added.len();
    let is_named =
        |token: &Json| ["[ARGS]", "[CALL_ID]"].contains(&token["content"].as_str().unwrap());
    added.retain(|token| !is_named(token));
    assert_eq!(added.len(), before - 2);
    let tokenizer = opened(json.to_string().as_bytes());
    assert!(tokenizer.takes_tools());
    check(&tokenizer, fixture, "tokenizer.json without them");
}

#[test]
fn thoughts_that_cannot_be_shown_are_the_assistants_own_or_refused() {
    let fixtures = files::fixtures();
    let thought = |text: &str| Part::Thought {
        text: text.to_owned(),
        closed: true,
    };
    let talk = |role: Role, thinks: bool| {
        let mut said = vec![Part::Text("Yo ".to_owned())];
        if thinks {
            said.insert(0, thought("Hm."));
        }
        let content = said;
        let turn = Message { role, content };
        Prompt::Chat(vec![
            Message::new(Role::User, "Hi"),
            turn,
            Message::new(Role::User, "Again"),
        ])
    };
    let result = || Role::Tool {
        call_id: "aB3dE6gH9".to_owned(),
    };
    for (version, shows, systems) in [
        ("v7", false, false),
        ("v11", false, false),
        ("v13", true, true),
        ("v15", true, false),
    ] {
        let tokenizer = opened(&files::mistrals(files::fixture(&fixtures, version)));
        let with = tokenizer.lay_out(&talk(Role::Assistant, true)).unwrap();
        let without = tokenizer.lay_out(&talk(Role::Assistant, false)).unwrap();
        assert_eq!(with != without, shows, "{version}");
        let system = tokenizer.lay_out(&talk(Role::System, true));
        assert_eq!(system.is_ok(), systems, "{version}");
        assert!(tokenizer.lay_out(&talk(Role::User, true)).is_err());
        assert!(tokenizer.lay_out(&talk(result(), true)).is_err());
        assert!(tokenizer.lay_out(&talk(result(), false)).is_ok());
    }
}

#[test]
fn models_of_v15_are_run_only_if_it_is_known_how_they_are_set() {
    let fixtures = files::fixtures();
    let mut fixture = files::fixture(&fixtures, "v15").clone();
    let asked = Prompt::Chat(vec![Message::new(Role::User, "Hi")]);
    let laid_out = opened(&files::tekken(&fixture)).lay_out(&asked).unwrap();
    // Models that can be set in nothing are told nothing.
    fixture["builder"] = json!({});
    let silent = opened(&files::tekken(&fixture)).lay_out(&asked).unwrap();
    assert!(silent.len() < laid_out.len());
    fixture["builder"] = Json::Null;
    let folder = Folder::new();
    let path = folder.write("tekken.json", files::tekken(&fixture));
    let refused = Tokenizer::open(&path).unwrap_err().to_string();
    assert!(refused.contains("model_settings_builder"), "{refused}");
}
