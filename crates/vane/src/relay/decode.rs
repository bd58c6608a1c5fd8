//! The call as far as anyone needs it: its head now, its blocks when somebody asks.

use super::bound;
use super::inbound::{Door, Inbound};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use std::sync::{Arc, OnceLock};
use vane_dialect::dialect::Task;
use vane_dialect::head::Head;
use vane_dialect::hosted::Hosted;
use vane_dialect::json::{Object, Path, Raw, Str};
use vane_dialect::seal::Seal;
use vane_dialect::{Call, Dialect, Fault, Notes, codec};

/// A request whose body was scanned, and decoded only if it has to be.
pub struct RawCall {
    pub door: Door,
    pub headers: HeaderMap,
    pub request_id: String,
    pub head: Head,
    pub model: String,
    pub stream: bool,
    /// The client asked for the usage-only last chunk.
    pub include_usage: bool,
    /// `vane-strict: true`: what cannot be carried is refused.
    pub strict: bool,
    /// Prompts, each of which is answered for itself; one where none may be a list.
    pub texts: u64,
    /// There is text after the gap: only a model that fills in can answer.
    pub has_suffix: bool,
    /// Models to fall back to, after `model` (`models: [...]`).
    pub fallbacks: Vec<String>,
    pub preference: Preference,
    /// What the provider is asked to run itself, which it may bill by the piece.
    pub hosted: Hosted,
    /// Somewhere in the body is state that Vane sealed: it cannot go upstream as it is.
    pub sealed: bool,
    /// What of Vane's own fields was not understood.
    pub notes: Notes,
    blocks: OnceLock<Result<Arc<Call>, Fault>>,
}

/// How the caller narrows the plan (`provider: {...}`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preference {
    pub order: Vec<String>,
    pub only: Vec<String>,
    pub ignore: Vec<String>,
}

/// Fields of the body that are Vane's: never sent upstream.
pub(super) const OWN_FIELDS: [&str; 3] = ["models", "provider", "vane"];

/// Says that what cannot be carried is to be refused.
const STRICT: HeaderName = HeaderName::from_static("vane-strict");

/// Scans the body of a request.
///
/// # Errors
/// If it is no JSON object, or what the scan reads is of a wrong type.
pub fn decode(inbound: Inbound) -> Result<RawCall, Fault> {
    let mut notes = Notes::default();
    let body = without_mark(&inbound.body);
    let head = with_one_limit(Head::scan(&body)?, inbound.door.dialect, &mut notes)?;
    not_elsewhere(&head)?;
    let streams = inbound.door.dialect.task() != Task::Embed;
    Ok(RawCall {
        model: model(&head)?,
        stream: streams && head.flag("stream")?,
        include_usage: include_usage(&head)?,
        strict: strict(&inbound.headers)?,
        texts: match inbound.door.dialect.task() {
            Task::Fill => head.texts("prompt"),
            Task::Chat | Task::Embed => 1,
        },
        has_suffix: head.raw("suffix").is_some_and(|raw| raw != "\"\""),
        fallbacks: fallbacks(&head)?,
        preference: preference(&head, &mut notes)?,
        hosted: Hosted::of(inbound.door.dialect, &head)?,
        sealed: head.has_sealed_state(),
        notes,
        door: inbound.door,
        headers: inbound.headers,
        request_id: inbound.request_id,
        head,
        blocks: OnceLock::new(),
    })
}

impl RawCall {
    /// The call in canonical form, decoded at the first asking.
    ///
    /// # Errors
    /// If the body is not a call of the door's dialect.
    pub fn blocks(&self, seal: &dyn Seal) -> Result<Arc<Call>, Fault> {
        let decode = || codec::decode_call(self.door.dialect, self.head.body(), seal).map(Arc::new);
        self.blocks.get_or_init(decode).clone()
    }

    /// A call of `model` that says nothing else, but for a tool of this type.
    ///
    /// # Errors
    /// If the model has no name.
    pub fn bare(dialect: Dialect, model: &str, tool: Option<&str>) -> Result<Self, Fault> {
        let tools = tool.map_or_else(String::new, |kind| {
            format!(",\"tools\":[{{\"type\":{}}}]", Raw::of(&kind).get())
        });
        let body = format!("{{\"model\":{}{tools}}}", Raw::of(&model).get()).into();
        let door = Door { dialect, route: "" };
        let headers = HeaderMap::new();
        decode(Inbound {
            door,
            headers,
            body,
            request_id: String::new(),
        })
    }

    /// The dialect of the caller.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.door.dialect
    }
}

/// Names by which one server or another is told how much to write. `n_cmpl` is llama.cpp's `n`.
const LIMITS: [&str; 8] = [
    "max_completion_tokens",
    "max_length",
    "max_new_tokens",
    "max_output_tokens",
    "max_tokens",
    "n_cmpl",
    "n_predict",
    "num_predict",
];

/// Cuts out what a provider may take for a limit and this door does not: where both stand, some let
/// it overrule the one that money is held for (llama.cpp its `n_predict`). A limit of -1 goes too:
/// programs that were written for LM Studio and llama.cpp say with it that there is none. So does
/// one of 0, where it asks neither to warm a cache nor to score a prompt: to Ollama that is none.
fn with_one_limit(head: Head, door: Dialect, notes: &mut Notes) -> Result<Head, Fault> {
    let mut splices = head.splices();
    if door.task() != Task::Embed {
        let read = bound::limits(door);
        let means_nothing = door == Dialect::AnthropicMessages || head.raw("echo") == Some("true");
        for name in LIMITS {
            match head.raw(name) {
                Some("-1") if read.contains(&name) => splices.cut(name),
                Some("0") if read.contains(&name) && !means_nothing => splices.cut(name),
                Some(_) if !read.contains(&name) => {
                    splices.cut(name);
                    notes.drop(name);
                }
                _ => {}
            }
        }
    }
    if splices.is_empty() {
        return Ok(head);
    }
    Head::scan(&splices.apply().concat().into())
}

/// Refuses what makes a provider answer with another model than was asked for: at whose rates, and
/// whether the key may use it, nobody could say before.
/// Some editors begin a file by saying that it is UTF-8, which JSON is anyway.
fn without_mark(body: &Bytes) -> Bytes {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let begins = if body.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };
    body.slice(begins..)
}

/// Who asks for it in a word that is not understood would be served as if nothing had been asked.
fn strict(headers: &HeaderMap) -> Result<bool, Fault> {
    let mut strict = false;
    for said in headers.get_all(STRICT) {
        let said = said.as_bytes().trim_ascii();
        if said.eq_ignore_ascii_case(b"true") {
            strict = true;
        } else if !said.eq_ignore_ascii_case(b"false") {
            return Err(Fault::invalid("", "`vane-strict` must be true or false"));
        }
    }
    Ok(strict)
}

fn not_elsewhere(head: &Head) -> Result<(), Fault> {
    if head.raw("fallbacks").is_none() {
        return Ok(());
    }
    let message = "`fallbacks` would have the provider answer with another model, at another price: \
        name the models to try in `models`, and Vane falls back to them";
    Err(Fault::unsupported("fallbacks", message))
}

fn include_usage(head: &Head) -> Result<bool, Fault> {
    let Some(raw) = head.raw("stream_options") else {
        return Ok(false);
    };
    let path = Path::Root.key("stream_options");
    Ok(Object::read_str(raw, &path)?
        .get("include_usage", &path)?
        .unwrap_or(false))
}

/// The longest name of a model, in bytes. It is told, logged and a part of what sums are kept by,
/// whether or not there is such a model.
const MODEL_BYTES_MAX: usize = 256;

fn model(head: &Head) -> Result<String, Fault> {
    let model = head.model()?;
    is_a_name("model", &model)?;
    Ok(model.into_owned())
}

fn fallbacks(head: &Head) -> Result<Vec<String>, Fault> {
    let fallbacks = head
        .raw("models")
        .map_or(Ok(Vec::new()), |raw| names(raw, "models"))?;
    fallbacks
        .iter()
        .try_for_each(|model| is_a_name("models", model))?;
    Ok(fallbacks)
}

fn is_a_name(field: &str, model: &str) -> Result<(), Fault> {
    let wrong = if model.len() > MODEL_BYTES_MAX {
        format!("has {} bytes, of {MODEL_BYTES_MAX} at most", model.len())
    } else if model.contains(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Ok(());
    };
    let message = format!("a name in `{field}` {wrong}: `GET /v1/models` lists what there is");
    Err(Fault::invalid(field, message))
}

fn preference(head: &Head, notes: &mut Notes) -> Result<Preference, Fault> {
    let Some(raw) = head.raw("provider") else {
        return Ok(Preference::default());
    };
    let path = Path::Root.key("provider");
    let mut object = Object::read_str(raw, &path)?;
    let mut list = |key: &str| {
        object.take(key).map_or(Ok(Vec::new()), |raw| {
            names(raw.get(), &format!("provider.{key}"))
        })
    };
    let preference = Preference {
        order: list("order")?,
        only: list("only")?,
        ignore: list("ignore")?,
    };
    for (key, _) in object.rest() {
        notes.drop(format!("provider.{key}"));
    }
    Ok(preference)
}

/// How many models or providers one request may name.
const NAMES_MAX: usize = 16;

fn names(raw: &str, field: &str) -> Result<Vec<String>, Fault> {
    let wrong = |_| Fault::invalid(field, format!("`{field}` must be a list of names"));
    let names: Vec<Str<'_>> = serde_json::from_str(raw).map_err(wrong)?;
    if names.len() > NAMES_MAX {
        return Err(Fault::invalid(
            field,
            format!("`{field}` names more than {NAMES_MAX}"),
        ));
    }
    Ok(names.into_iter().map(|name| name.0.into_owned()).collect())
}
