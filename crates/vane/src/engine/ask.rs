//! What is asked of a model, read from the bodies that the gateway's own encoders write.
//!
//! A field that changes the answer and cannot be heeded is refused by its name, never left out.

use std::sync::Arc;

use super::content::{self, Content};
use super::effort;
use super::tools::{self, Choice, MadeCall, OfferedTool};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use vane_dialect::mistral_fim::Gap;
use vane_engine::{Fault, Grammar, Message, Prompt, Request, Role, Sampling, Setting, Stops};

/// Of a conversation whose caller does not say. Filling in takes the likeliest: an editor asks
/// twice and wants one answer.
const TEMPERATURE: f32 = 0.7;
/// What a model is told of an answer that is any JSON, as Mistral's library has it.
const OBJECT_OR_ARRAY: &str = r#"{"anyOf":[{"type":"object"},{"type":"array"}]}"#;

/// Which of the two dialects is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Chat,
    Completion,
}

/// A request, and how its answer is told.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) request: Request,
    pub(super) shape: Shape,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
}

/// Why a request is no request.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) param: Option<&'static str>,
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default, deserialize_with = "or_nothing")]
    model: String,
    #[serde(default, deserialize_with = "or_nothing")]
    messages: Vec<Turn>,
    #[serde(default)]
    prompt: Option<Texts>,
    suffix: Option<String>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    top_k: Option<i64>,
    min_p: Option<f32>,
    #[serde(alias = "repeat_penalty")]
    repetition_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
    #[serde(alias = "random_seed")]
    seed: Option<i64>,
    stop: Option<Texts>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    min_tokens: Option<usize>,
    logprobs: Option<Json>,
    top_logprobs: Option<usize>,
    n: Option<u64>,
    best_of: Option<u64>,
    echo: Option<bool>,
    #[serde(default, deserialize_with = "or_nothing")]
    tools: Vec<OfferedTool>,
    tool_choice: Option<Choice>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<Format>,
    reasoning_effort: Option<String>,
    reasoning: Option<Json>,
    thinking: Option<Json>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default, deserialize_with = "or_nothing")]
    include_usage: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Format {
    r#type: String,
    json_schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Schema {
    schema: Option<Json>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: Option<Content>,
    #[serde(default, deserialize_with = "or_nothing")]
    reasoning_content: String,
    #[serde(default, deserialize_with = "or_nothing")]
    reasoning: String,
    #[serde(default, deserialize_with = "or_nothing")]
    tool_calls: Vec<MadeCall>,
    tool_call_id: Option<String>,
}

/// A `null` is as good as nothing, as the gateway's own readers have it.
pub(super) fn or_nothing<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Unread {
    pub(super) fn new(param: &'static str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param),
            message: message.into(),
        }
    }
}

impl Ask {
    /// `realm` is who asks, as [`Request::realm`] has it. Marks of a gap are looked for in the texts of a
    /// model that has them.
    pub(super) fn read(
        shape: Shape,
        body: &[u8],
        realm: u64,
        marks_gaps: bool,
    ) -> Result<Self, Unread> {
        let body: Body = serde_json::from_slice(body).map_err(|error| Unread {
            param: None,
            message: format!("the body cannot be read: {error}"),
        })?;
        body.refuse_what_is_not_done()?;
        let prompt = match shape {
            Shape::Chat => Prompt::Chat(body.turns()?),
            Shape::Completion => body.gap(marks_gaps)?,
        };
        let request = Request {
            sampling: body.sampling(shape)?,
            stops: body.stops()?,
            min_tokens: body.min_tokens.unwrap_or(0),
            max_tokens: body.max_completion_tokens.or(body.max_tokens),
            likelihoods: body.likelihoods(shape)?,
            grammar: body.grammar()?.map(Arc::new),
            tools: tools::read(
                &body.tools,
                body.tool_choice.as_ref(),
                body.parallel_tool_calls,
            )?,
            setting: Setting {
                effort: effort::read(
                    body.reasoning_effort.as_deref(),
                    body.reasoning.as_ref(),
                    body.thinking.as_ref(),
                )?,
                schema: body.schema(),
            },
            realm,
            ..Request::new(prompt)
        };
        Ok(Self {
            request,
            shape,
            model: body.model,
            stream: body.stream == Some(true),
            include_usage: body
                .stream_options
                .is_some_and(|options| options.include_usage),
        })
    }
}

impl Body {
    fn refuse_what_is_not_done(&self) -> Result<(), Unread> {
        let refused = [
            (
                self.n.is_some_and(|n| n != 1),
                "n",
                "this model gives one answer to a call",
            ),
            (
                self.best_of.is_some_and(|n| n != 1),
                "best_of",
                "this model gives one answer to a call",
            ),
            (
                self.echo == Some(true),
                "echo",
                "this model does not repeat the prompt",
            ),
        ];
        match refused.into_iter().find(|(is, ..)| *is) {
            Some((_, param, message)) => Err(Unread::new(param, message)),
            None => Ok(()),
        }
    }

    fn turns(&self) -> Result<Vec<Message>, Unread> {
        self.messages.iter().map(Turn::read).collect()
    }

    fn gap(&self, marks_gaps: bool) -> Result<Prompt, Unread> {
        let prompt = match &self.prompt {
            None => return Err(Unread::new("prompt", "`prompt` is missing")),
            Some(Texts::One(text)) => text,
            // Some clients always send a list.
            Some(Texts::Many(texts)) => match texts.as_slice() {
                [text] => text,
                _ => return Err(Unread::new("prompt", "this model takes one prompt a call")),
            },
        };
        let suffix = self.suffix.as_deref();
        let gap = if marks_gaps {
            Gap::read(prompt, suffix).map_err(|fault| Unread::new("prompt", fault.message))?
        } else {
            Gap { prompt, suffix }
        };
        let prefix = gap.prompt.to_owned();
        Ok(match gap.suffix {
            Some(suffix) => Prompt::Fill {
                prefix,
                suffix: suffix.to_owned(),
            },
            None => Prompt::Text(prefix),
        })
    }

    /// Some clients send an empty one where they have none: it ends nothing.
    fn stops(&self) -> Result<Vec<String>, Unread> {
        let said = match &self.stop {
            None => &[],
            Some(Texts::One(stop)) => std::slice::from_ref(stop),
            Some(Texts::Many(stops)) => stops.as_slice(),
        };
        let stops: Vec<String> = said
            .iter()
            .filter(|stop| !stop.is_empty())
            .cloned()
            .collect();
        Stops::check(&stops).map_err(|fault| Unread::new("stop", fault.to_string()))?;
        Ok(stops)
    }

    /// What the answer has to be, where it is not any text.
    fn grammar(&self) -> Result<Option<Grammar>, Unread> {
        let Some(format) = &self.response_format else {
            return Ok(None);
        };
        let schema = format.json_schema.as_ref();
        match (
            &*format.r#type,
            schema.and_then(|json| json.schema.as_ref()),
        ) {
            ("text", _) => Ok(None),
            ("json_object", _) => Ok(Some(Grammar::object())),
            ("json_schema", Some(schema)) => {
                let made = Grammar::of_schema(&schema.to_string());
                let refused = |fault: Fault| Unread::new("response_format", fault.to_string());
                made.map(Some).map_err(refused)
            }
            _ => Err(Unread::new(
                "response_format",
                "`response_format` is text, json_object, or json_schema with a schema",
            )),
        }
    }

    /// The schema as some models are told it.
    fn schema(&self) -> Option<String> {
        let format = self.response_format.as_ref()?;
        match &*format.r#type {
            "json_object" => Some(OBJECT_OR_ARRAY.to_owned()),
            _ => Some(format.json_schema.as_ref()?.schema.as_ref()?.to_string()),
        }
    }

    fn sampling(&self, shape: Shape) -> Result<Sampling, Unread> {
        let usual = Sampling::default();
        let temperature = match shape {
            Shape::Chat => TEMPERATURE,
            Shape::Completion => usual.temperature,
        };
        // Others write no limit as -1.
        let top_k = usize::try_from(self.top_k.unwrap_or(0).max(0));
        Ok(Sampling {
            temperature: self.temperature.unwrap_or(temperature),
            top_p: self.top_p.unwrap_or(usual.top_p),
            top_k: top_k.map_err(|_| Unread::new("top_k", "`top_k` is too large"))?,
            min_p: self.min_p.unwrap_or(usual.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(usual.repetition_penalty),
            presence_penalty: self.presence_penalty.unwrap_or(usual.presence_penalty),
            frequency_penalty: self.frequency_penalty.unwrap_or(usual.frequency_penalty),
            seed: self.seed.map(i64::cast_unsigned),
        })
    }

    /// A conversation asks with a flag and a count, a completion with a count.
    fn likelihoods(&self, shape: Shape) -> Result<Option<usize>, Unread> {
        match (shape, &self.logprobs) {
            (_, None | Some(Json::Null)) | (Shape::Chat, Some(Json::Bool(false))) => Ok(None),
            (Shape::Chat, Some(Json::Bool(true))) => Ok(Some(self.top_logprobs.unwrap_or(0))),
            (Shape::Completion, Some(Json::Number(many))) => {
                let many = many.as_u64().and_then(|many| usize::try_from(many).ok());
                many.map(Some)
                    .ok_or_else(|| Unread::new("logprobs", "`logprobs` is a small number"))
            }
            _ => Err(Unread::new(
                "logprobs",
                "`logprobs` is true or false for a chat, a number for a completion",
            )),
        }
    }
}

impl Turn {
    fn read(&self) -> Result<Message, Unread> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" if self.tool_calls.is_empty() => Role::Assistant,
            "assistant" => Role::Caller(self.tool_calls.iter().map(MadeCall::read).collect()),
            "tool" => Role::Tool {
                call_id: self.tool_call_id.clone().unwrap_or_default(),
            },
            _ => return Err(Unread::new("messages", "this model takes no such turn")),
        };
        let said = match &self.content {
            None => Vec::new(),
            Some(content) => content.read()?,
        };
        // Some send the same under both names.
        let beside = [&self.reasoning_content, &self.reasoning];
        let thought = match role {
            Role::Assistant | Role::Caller(_) => {
                beside.into_iter().find_map(|text| content::thought(text))
            }
            Role::System | Role::User | Role::Tool { .. } => None,
        };
        let content = thought.into_iter().chain(said).collect();
        Ok(Message { role, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_engine::{Effort, Part as Said};

    #[test]
    fn parts_of_a_turn_are_read_one_by_one() {
        let read = |role: &str, content: &str| {
            let body = format!(r#"{{"messages":[{{"role":"{role}","content":{content}}}]}}"#);
            match Ask::read(Shape::Chat, body.as_bytes(), 0, false).map(|ask| ask.request.prompt) {
                Ok(Prompt::Chat(turns)) => Some(turns[0].content.clone()),
                _ => None,
            }
        };
        let text = |text: &str| Said::Text(text.to_owned());
        let thought = |text: &str, closed| Said::Thought {
            text: text.to_owned(),
            closed,
        };
        let rows = [
            (
                r#"[{"type":"text","text":"Hi"},{"type":"text","text":""}]"#,
                Some(vec![text("Hi"), text("")]),
            ),
            (r#""Hi""#, Some(vec![text("Hi")])),
            ("[]", Some(vec![])),
            ("null", Some(vec![])),
            (r#"[{"type":"image_url"}]"#, None),
            (r#"[{"type":"thinking"}]"#, None),
            (
                r#"[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},{"type":"text","text":"Hi"}]"#,
                Some(vec![thought("hm", true), text("Hi")]),
            ),
            (
                r#"[{"type":"thinking","thinking":"hm","closed":false}]"#,
                Some(vec![thought("hm", false)]),
            ),
            (
                r#""Hi","reasoning_content":"hm","reasoning":"hm""#,
                Some(vec![thought("hm", true), text("Hi")]),
            ),
            (r#"null,"reasoning":"hm""#, Some(vec![thought("hm", true)])),
        ];
        for (content, expected) in rows {
            assert_eq!(read("assistant", content), expected, "{content}");
        }
        let beside = read("user", r#""Hi","reasoning":"hm""#);
        assert_eq!(beside, Some(vec![text("Hi")]));
    }

    #[test]
    fn a_model_is_told_the_schema_and_the_effort_that_are_asked_for() {
        let read = |more: &str| {
            let body = format!(r#"{{"messages":[],{more}}}"#);
            let ask = Ask::read(Shape::Chat, body.as_bytes(), 0, false).unwrap();
            ask.request.setting
        };
        let schema = read(
            r#""response_format":{"type":"json_schema","json_schema":{"schema":{"type":"string"}}}"#,
        );
        assert_eq!(schema.schema.as_deref(), Some(r#"{"type":"string"}"#));
        let object = read(r#""response_format":{"type":"json_object"}"#);
        assert_eq!(object.schema.as_deref(), Some(OBJECT_OR_ARRAY));
        let text = read(r#""response_format":{"type":"text"},"reasoning_effort":"high""#);
        assert_eq!((text.schema, text.effort), (None, Some(Effort::High)));
    }

    #[test]
    fn empty_stops_are_left_out_and_impossible_ones_are_refused_by_name() {
        let read = |stop: Json| {
            let body = serde_json::json!({"prompt": "a", "stop": stop}).to_string();
            let ask = Ask::read(Shape::Completion, body.as_bytes(), 0, true);
            ask.map(|ask| ask.request.stops).map_err(|why| why.param)
        };
        let rows: [(Json, Result<&[&str], _>); 6] = [
            (Json::Null, Ok(&[])),
            ("".into(), Ok(&[])),
            (vec![""].into(), Ok(&[])),
            (vec!["", "b", ""].into(), Ok(&["b"])),
            (vec!["b"; 65].into(), Err(Some("stop"))),
            ("b".repeat(4_097).into(), Err(Some("stop"))),
        ];
        for (stop, expected) in rows {
            let expected =
                expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(read(stop.clone()), expected, "{stop}");
        }
    }

    #[test]
    fn f1_marks_in_a_prompt_are_those_of_a_gap_to_a_model_that_has_them() {
        let read = |prompt: &str, suffix: Json, marks_gaps| {
            let body = serde_json::json!({"prompt": prompt, "suffix": suffix}).to_string();
            let ask = Ask::read(Shape::Completion, body.as_bytes(), 0, marks_gaps);
            ask.map(|ask| ask.request.prompt).map_err(|why| why.param)
        };
        let text = |text: &str| Ok(Prompt::Text(text.to_owned()));
        let fill = |prefix: &str, suffix: &str| {
            Ok(Prompt::Fill {
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
            })
        };
        let marked = "[SUFFIX]b[PREFIX]a";
        let other = "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>";
        assert_eq!(read(marked, Json::Null, true), fill("a", "b"));
        assert_eq!(read(marked, "".into(), true), fill("a", "b"));
        assert_eq!(read(marked, "c".into(), true), fill(marked, "c"));
        assert_eq!(read(marked, Json::Null, false), text(marked));
        assert_eq!(read(other, Json::Null, true), Err(Some("prompt")));
        assert_eq!(read(other, Json::Null, false), text(other));
    }
}
