//! The shapes of an answer: chunks and whole answers are one shape, read without copying.
//!
//! Only the frame that every provider shares is typed. What providers disagree about (content as
//! text or parts, arguments as text or object) stays raw and is read where it is used, so that
//! an odd field never fails an answer.

use crate::json::{Json, Odd, Reader};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub(crate) struct Chunk<'a> {
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) object: Option<Cow<'a, str>>,
    pub(crate) created: u64,
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) choices: Option<Choices<'a>>,
    pub(crate) usage: Option<Json<'a>>,
    pub(crate) service_tier: Option<Json<'a>>,
    pub(crate) x_groq: Option<Json<'a>>,
    pub(crate) error: Option<Json<'a>>,
    pub(crate) message: Option<Json<'a>>,
    pub(crate) detail: Option<Json<'a>>,
    /// MiniMax: how the call went, also where the status is 200.
    pub(crate) base_status: u64,
    /// Perplexity: the pages that the text rests on, with their titles.
    pub(crate) search_results: Option<Json<'a>>,
    /// Perplexity and xAI: their addresses alone.
    pub(crate) citations: Option<Json<'a>>,
}

impl<'a> Chunk<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, Odd> {
        let mut chunk = Self::default();
        Reader::whole(text, |reader| {
            reader.object(|reader, key| {
                match key {
                    "id" => chunk.id = reader.loose_string()?,
                    "object" => chunk.object = reader.loose_string()?,
                    "created" => chunk.created = reader.count()?,
                    "model" => chunk.model = reader.loose_string()?,
                    "choices" => chunk.choices = reader.some(Choices::read)?,
                    "usage" => chunk.usage = reader.some_json()?,
                    "service_tier" => chunk.service_tier = reader.some_json()?,
                    "x_groq" => chunk.x_groq = reader.some_json()?,
                    "error" => chunk.error = reader.some_json()?,
                    "message" => chunk.message = reader.some_json()?,
                    "detail" => chunk.detail = reader.some_json()?,
                    "search_results" => chunk.search_results = reader.some_json()?,
                    "citations" => chunk.citations = reader.some_json()?,
                    "base_resp" => {
                        chunk.base_status = reader.some(base_status)?.unwrap_or_default();
                    }
                    _ => reader.skip()?,
                }
                Ok(())
            })
        })?;
        Ok(chunk)
    }
}

fn base_status(reader: &mut Reader<'_>) -> Result<u64, Odd> {
    let mut status = 0;
    reader.object(|reader, key| {
        match key {
            "status_code" => status = reader.count()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(status)
}

/// The first choice (the one of index 0), what of the others counts, and whether there was any.
#[derive(Debug, Default)]
pub(crate) struct Choices<'a> {
    pub(crate) first: Option<Choice<'a>>,
    pub(crate) others: Vec<Other>,
    pub(crate) any: bool,
}

/// A choice that is not the first: only the client reads it.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) index: u64,
    pub(crate) bytes: u64,
    pub(crate) has_stop: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Choice<'a> {
    /// Where it begins.
    pub(crate) place: usize,
    pub(crate) index: u64,
    /// It says something of a delta, if only `null`.
    pub(crate) names_delta: bool,
    pub(crate) delta: Option<Message<'a>>,
    pub(crate) message: Option<Message<'a>>,
    /// The text of a completion.
    pub(crate) text: Option<Json<'a>>,
    pub(crate) finish_reason: Option<Json<'a>>,
    /// vLLM: the stop string that was met.
    pub(crate) stop_reason: Option<Json<'a>>,
    pub(crate) error: Option<Json<'a>>,
    /// Moonshot: the counts of a stream.
    pub(crate) usage: Option<Json<'a>>,
}

impl<'a> Choices<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Odd> {
        let mut choices = Self::default();
        reader.list(|reader| {
            let choice = Choice::read(reader)?;
            choices.any = true;
            if choice.index > 0 {
                choices.others.push(Other::of(&choice));
            } else if choices.first.is_none() {
                choices.first = Some(choice);
            }
            Ok(())
        })?;
        Ok(choices)
    }

    pub(crate) fn usage(&self) -> Option<Json<'a>> {
        self.first.as_ref()?.usage
    }
}

impl Other {
    fn of(choice: &Choice<'_>) -> Self {
        let empty = Message::default();
        let message = choice.delta.as_ref().or(choice.message.as_ref());
        let message = message.unwrap_or(&empty);
        let length = |json: Option<Json<'_>>| member(json).map_or(0, |text| text.len());
        // Some providers say the same under both names.
        let reasoning = length(message.reasoning_content).max(length(message.reasoning));
        let said = length(message.content).max(length(choice.text));
        let arguments = |call: &ToolCall<'_>| {
            let function = call.function.as_ref().or(call.custom.as_ref());
            length(
                function
                    .and_then(|function| function.arguments)
                    .map(Json::from),
            )
        };
        let calls = message.tool_calls.map(Json::get);
        let calls: Option<Vec<ToolCall<'_>>> = calls.and_then(|raw| serde_json::from_str(raw).ok());
        let called: usize = calls.iter().flatten().map(arguments).sum();
        let bytes = said + reasoning + called + length(message.refusal);
        Self {
            index: choice.index,
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            has_stop: member(choice.finish_reason).is_some_and(|reason| !reason.is_empty()),
        }
    }
}

impl<'a> Choice<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Odd> {
        let mut choice = Self {
            place: reader.place(),
            ..Self::default()
        };
        reader.object(|reader, key| {
            match key {
                "index" => choice.index = reader.count()?,
                "delta" => {
                    choice.names_delta = true;
                    choice.delta = reader.some(Message::read)?;
                }
                "message" => choice.message = reader.some(Message::read)?,
                "text" => choice.text = reader.some_json()?,
                "finish_reason" => choice.finish_reason = reader.some_json()?,
                "stop_reason" => choice.stop_reason = reader.some_json()?,
                "error" => choice.error = reader.some_json()?,
                "usage" => choice.usage = reader.some_json()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(choice)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) role: Option<Json<'a>>,
    pub(crate) content: Option<Json<'a>>,
    pub(crate) refusal: Option<Json<'a>>,
    pub(crate) reasoning_content: Option<Json<'a>>,
    pub(crate) reasoning: Option<Json<'a>>,
    pub(crate) reasoning_details: Option<Json<'a>>,
    pub(crate) tool_calls: Option<Json<'a>>,
    pub(crate) function_call: Option<Json<'a>>,
    pub(crate) annotations: Option<Json<'a>>,
    /// Gemini: state of the message.
    pub(crate) extra_content: Option<Json<'a>>,
}

impl<'a> Message<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Odd> {
        let mut message = Self::default();
        reader.object(|reader, key| {
            let member = match key {
                "role" => &mut message.role,
                "content" => &mut message.content,
                "refusal" => &mut message.refusal,
                "reasoning_content" => &mut message.reasoning_content,
                "reasoning" => &mut message.reasoning,
                "reasoning_details" => &mut message.reasoning_details,
                "tool_calls" => &mut message.tool_calls,
                "function_call" => &mut message.function_call,
                "annotations" => &mut message.annotations,
                "extra_content" => &mut message.extra_content,
                _ => return reader.skip(),
            };
            *member = reader.some_json()?;
            Ok(())
        })?;
        Ok(message)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Option<u64>,
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) function: Option<Function<'a>>,
    #[serde(borrow)]
    pub(crate) custom: Option<Function<'a>>,
    /// Gemini: state of the call.
    #[serde(borrow)]
    pub(crate) extra_content: Option<&'a RawValue>,
}

impl ToolCall<'_> {
    /// Whether a piece says nothing of whose it is: no number, no id, no name.
    pub(crate) fn is_bare(&self) -> bool {
        let says =
            |raw: Option<&RawValue>| member(raw).is_some_and(|word| !matches!(&*word, "" | "null"));
        let names = [&self.function, &self.custom];
        let name = names
            .into_iter()
            .flatten()
            .find_map(|function| function.name);
        self.index.is_none() && !says(self.id) && !says(name)
    }
}

/// A function's name and arguments, or a custom tool's name and input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<&'a RawValue>,
    #[serde(borrow, alias = "input")]
    pub(crate) arguments: Option<&'a RawValue>,
}

/// The text of a string that may be missing; `None` for anything else.
pub(crate) fn member<'a>(json: Option<impl Into<Json<'a>>>) -> Option<Cow<'a, str>> {
    json.and_then(|json| json.into().string())
}
