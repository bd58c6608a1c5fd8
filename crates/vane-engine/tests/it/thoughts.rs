//! Thoughts, of a random model whose vocabulary has the marks of them: they are told as such, however an
//! answer begins and ends.

use vane_engine::{
    Effort, Engine, Finish, Grammar, Message, Model, Options, Part, Piece, Precision, Prompt,
    Request, Role, Setting, ToolCall, ToolChoice, Usage,
};

use crate::json::{asking, calling, folder_of_tekken, schema};

fn engine() -> Engine {
    let folder = folder_of_tekken("v13", &["[THINK]", "[/THINK]"]);
    let options = Options {
        threads: 1,
        precision: Precision::Single,
        ..Options::default()
    };
    Engine::start(Model::open(folder.path(), &mut |_| ()).unwrap(), options).unwrap()
}

#[derive(Debug)]
struct Answer {
    thought: String,
    text: String,
    calls: Vec<ToolCall>,
    finish: Finish,
    usage: Usage,
    /// What the first piece was.
    thinks_first: bool,
}

fn answer(engine: &Engine, request: Request) -> Answer {
    let (mut thought, mut text, mut calls) = (String::new(), String::new(), Vec::new());
    let mut thinks_first = None;
    for piece in engine.submit(request).unwrap() {
        let piece = piece.unwrap();
        thinks_first.get_or_insert(matches!(piece, Piece::Thought(_)));
        match piece {
            Piece::Text { text: more, .. } => text += &more,
            Piece::Thought(more) => thought += &more,
            Piece::Call(call) => calls.push(call),
            Piece::End { finish, usage } => {
                return Answer {
                    thought,
                    text,
                    calls,
                    finish,
                    usage,
                    thinks_first: thinks_first == Some(true),
                };
            }
        }
    }
    panic!("an answer without an end");
}

/// A conversation that ends in a thought which goes on.
fn begun() -> Prompt {
    let thought = Part::Thought {
        text: "so".to_owned(),
        closed: false,
    };
    let turn = Message {
        role: Role::Assistant,
        content: vec![thought],
    };
    Prompt::Chat(vec![Message::new(Role::User, "Hi"), turn])
}

fn is_cut(answer: &Answer) -> bool {
    match answer.finish {
        Finish::Length | Finish::Context => true,
        Finish::Stop | Finish::Calls => false,
    }
}

fn plain(seed: u64) -> Request {
    Request {
        grammar: None,
        max_tokens: Some(400),
        ..asking(seed)
    }
}

fn with(request: Request, effort: Effort) -> Request {
    let setting = Setting {
        effort: Some(effort),
        ..Setting::default()
    };
    Request { setting, ..request }
}

#[test]
fn a_model_thinks_unless_it_is_asked_not_to() {
    let engine = engine();
    let all: Vec<Answer> = (0..12).map(|seed| answer(&engine, plain(seed))).collect();
    let thinks = |answer: &&Answer| !answer.thought.is_empty();
    assert!(all.iter().filter(thinks).count() > 2, "{all:?}");
    assert!(all.iter().any(|answer| !answer.text.is_empty()));
    for answer in &all {
        let thought = answer.usage.thought_tokens;
        assert!(thought <= answer.usage.output_tokens);
        assert!(answer.thought.is_empty() || thought > 0, "{answer:?}");
    }
    for seed in 0..12 {
        let told = answer(&engine, with(plain(seed), Effort::None));
        assert_eq!((&*told.thought, told.usage.thought_tokens), ("", 0));
        let going_on = Request {
            prompt: Prompt::Text("x".to_owned()),
            ..plain(seed)
        };
        assert_eq!(answer(&engine, going_on).usage.thought_tokens, 0);
    }
}

#[test]
fn a_thought_that_a_limit_cuts_is_told_as_one() {
    let engine = engine();
    let whole = |seed| answer(&engine, plain(seed));
    let seed = (0..40).find(|seed| whole(*seed).thought.len() > 20);
    let (seed, mut cuts) = (seed.unwrap(), 0);
    let whole = whole(seed);
    // Half a character is told as a sign that says so.
    let told = |text: &str| {
        text.trim_end_matches(char::REPLACEMENT_CHARACTER)
            .to_owned()
    };
    for most in 1..whole.usage.output_tokens {
        let cut = answer(
            &engine,
            Request {
                max_tokens: Some(most),
                ..plain(seed)
            },
        );
        assert_eq!(cut.finish, Finish::Length);
        assert!(whole.thought.starts_with(&told(&cut.thought)), "{cut:?}");
        assert!(whole.text.starts_with(&told(&cut.text)), "{cut:?}");
        cuts += usize::from(!cut.thought.is_empty() && cut.thought.len() < whole.thought.len());
    }
    assert!(cuts > 5, "{cuts} within the thought");
}

#[test]
fn a_model_that_ends_within_its_thought_has_not_answered() {
    let engine = engine();
    let mut ended = 0;
    for seed in 0..60 {
        let told = answer(&engine, plain(seed));
        if told.finish == Finish::Length && told.usage.output_tokens < 400 {
            assert!(!told.thought.is_empty(), "{told:?}");
            ended += 1;
        }
    }
    assert!(ended > 0);
}

#[test]
fn stops_end_answers_and_not_thoughts() {
    let engine = engine();
    let mut stopped = 0;
    for seed in 0..20 {
        let asked = Request {
            prompt: begun(),
            ..plain(seed)
        };
        let whole = answer(&engine, asked.clone());
        let letter = |letter: &char| letter.is_ascii_alphabetic();
        let stop = whole.thought.chars().find(letter);
        let Some(stop) = stop.filter(|stop| whole.text.contains(*stop)) else {
            continue;
        };
        let stops = vec![stop.to_string()];
        let told = answer(&engine, Request { stops, ..asked });
        assert!(told.thought.contains(stop), "{told:?}");
        assert!(told.text.len() < whole.text.len() && !told.text.contains(stop));
        assert_eq!(told.finish, Finish::Stop);
        stopped += 1;
    }
    assert!(stopped > 0);
}

#[test]
fn answers_of_a_form_come_after_thoughts_and_are_of_that_form() {
    let engine = engine();
    let grammar = Grammar::of_schema(&schema().to_string()).unwrap();
    let (mut thinkers, mut wholes) = (0, 0);
    for seed in 0..16 {
        let asked = Request {
            max_tokens: Some(1_200),
            ..asking(seed)
        };
        let told = answer(&engine, asked.clone());
        if told.finish == Finish::Stop {
            assert!(grammar.accepts(told.text.as_bytes()), "{told:?}");
            wholes += usize::from(told.usage.thought_tokens > 0);
        }
        thinkers += usize::from(told.thinks_first);
        let told = answer(&engine, with(asked, Effort::None));
        assert_eq!(told.usage.thought_tokens, 0);
        assert!(grammar.accepts(told.text.as_bytes()), "{told:?}");
    }
    assert!(thinkers > 0 && wholes > 0, "{thinkers} {wholes}");
}

#[test]
fn calls_come_after_thoughts_where_they_must() {
    let engine = engine();
    let (mut thinkers, mut callers) = (0, 0);
    for seed in 0..16 {
        let asked = Request {
            max_tokens: Some(1_200),
            ..calling(seed, ToolChoice::Any)
        };
        let told = answer(&engine, asked);
        assert_eq!(told.text, "");
        let is_whole = !told.calls.is_empty() && told.finish == Finish::Calls;
        assert!(is_whole || is_cut(&told), "{told:?}");
        thinkers += usize::from(told.thinks_first);
        callers += usize::from(told.thinks_first && !told.calls.is_empty());
    }
    assert!(thinkers > 0 && callers > 0, "{thinkers} {callers}");
}

#[test]
fn a_thought_that_the_prompt_leaves_open_goes_on() {
    let engine = engine();
    let mut thinkers = 0;
    for seed in 0..8 {
        let asked = Request {
            prompt: begun(),
            ..plain(seed)
        };
        let open = answer(&engine, asked);
        // The first token may be the mark of its end.
        assert!(open.usage.thought_tokens > 0, "{open:?}");
        thinkers += usize::from(open.thinks_first);
    }
    assert!(thinkers > 4, "{thinkers}");
}
