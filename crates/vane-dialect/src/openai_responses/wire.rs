//! Shapes that requests and answers share: a writer of objects, lenient readers, usage.

use crate::fault::Fault;
use crate::json::{self, Str};
use crate::usage::{Served, Tier, Unit, Units, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Writes the members of one JSON object, in the order of the calls.
pub(super) struct Fields<'o> {
    out: &'o mut Vec<u8>,
    some: bool,
}

impl<'o> Fields<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, some: false }
    }

    /// An object of one `type`.
    pub(super) fn typed(out: &'o mut Vec<u8>, kind: &str) -> Self {
        let mut fields = Self::open(out);
        fields.text("type", kind);
        fields
    }

    /// Writes a key; the value is the caller's to write.
    pub(super) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if self.some {
            self.out.push(b',');
        }
        self.some = true;
        json::string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(&mut self, key: &str, text: &str) -> &mut Self {
        json::string(self.key(key), text);
        self
    }

    pub(super) fn value(&mut self, key: &str, value: &impl Serialize) -> &mut Self {
        json::value(self.key(key), value);
        self
    }

    /// A member whose value is JSON text already.
    pub(super) fn json(&mut self, key: &str, json: impl AsRef<[u8]>) -> &mut Self {
        self.key(key).extend_from_slice(json.as_ref());
        self
    }

    /// Members that are joined already.
    pub(super) fn members(&mut self, joined: &[u8]) -> &mut Self {
        if self.some && !joined.is_empty() {
            self.out.push(b',');
        }
        self.some |= !joined.is_empty();
        self.out.extend_from_slice(joined);
        self
    }

    /// Ends the object and gives the buffer back.
    pub(super) fn close(self) -> &'o mut Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// Writes the elements of one JSON array.
pub(super) struct List<'o> {
    out: &'o mut Vec<u8>,
    some: bool,
}

impl<'o> List<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, some: false }
    }

    /// Begins the next element; its value is the caller's to write.
    pub(super) fn next(&mut self) -> &mut Vec<u8> {
        if self.some {
            self.out.push(b',');
        }
        self.some = true;
        self.out
    }

    pub(super) fn close(self) {
        self.out.push(b']');
    }
}

/// The string that `raw` is, if it is one.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Str<'_>>(raw?.get())
        .ok()
        .map(|text| text.0)
}

/// The text of an answer: absent is empty, but what is there must be a string, or the answer would
/// lose a piece unseen.
pub(super) fn told(raw: Option<&RawValue>) -> Result<Cow<'_, str>, Fault> {
    match raw {
        None => Ok(Cow::Borrowed("")),
        Some(_) => text(raw).ok_or_else(|| {
            Fault::protocol("the upstream sent something that is no valid string as text")
        }),
    }
}

/// A count that never fails: negative, absurd and other than whole numbers count as 0.
pub(super) fn count(raw: Option<&RawValue>) -> u64 {
    const ABSURD: u64 = 1 << 53;
    raw.and_then(|raw| raw.get().parse().ok())
        .filter(|&count| count <= ABSURD)
        .unwrap_or(0)
}

/// A time in Unix seconds; SDKs of some upstreams write a fraction.
pub(super) fn seconds(raw: Option<&RawValue>) -> u64 {
    let text = raw.map_or("", RawValue::get);
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().unwrap_or(0)
}

#[derive(Deserialize, Default)]
struct UsageWire<'a> {
    #[serde(borrow, default)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input_tokens_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_tokens_details: Option<&'a RawValue>,
    /// xAI, as the next.
    #[serde(borrow, default)]
    num_sources_used: Option<&'a RawValue>,
    #[serde(borrow, default)]
    server_side_tool_usage_details: Option<&'a RawValue>,
}

/// How often xAI ran each of its tools.
#[derive(Deserialize, Default)]
struct ToolsUsed<'a> {
    #[serde(borrow, default)]
    web_search_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    x_search_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    code_interpreter_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file_search_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    image_generation_calls: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Details<'a> {
    #[serde(borrow, default)]
    cached_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_write_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_tokens: Option<&'a RawValue>,
}

fn details(raw: Option<&RawValue>) -> Details<'_> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// Reads a usage object; its details are inside its totals. `shown`: the uses of tools that are
/// items of the answer.
pub(super) fn read_usage(raw: &RawValue, shown: Units) -> Usage {
    let usage: UsageWire<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let input = details(usage.input_tokens_details);
    let output = details(usage.output_tokens_details);
    Usage {
        units: units(&usage, shown),
        ..Usage::from_inclusive(
            count(usage.input_tokens),
            count(input.cached_tokens),
            count(input.cache_write_tokens),
            count(usage.output_tokens),
            count(output.reasoning_tokens),
        )
    }
}

/// Some show the uses, some count them. xAI does both, and bills what it counts: what failed is
/// only shown.
fn units(usage: &UsageWire<'_>, shown: Units) -> Units {
    let used = usage.server_side_tool_usage_details;
    let used = used.filter(|raw| raw.get().starts_with('{'));
    let Some(used) = used.and_then(|raw| serde_json::from_str::<ToolsUsed<'_>>(raw.get()).ok())
    else {
        return shown.or_more(Units::of(Unit::Source, count(usage.num_sources_used)));
    };
    let counts = [
        (Unit::WebSearch, used.web_search_calls),
        (Unit::XSearch, used.x_search_calls),
        (Unit::CodeRun, used.code_interpreter_calls),
        (Unit::FileSearch, used.file_search_calls),
        (Unit::Image, used.image_generation_calls),
        (Unit::Source, usage.num_sources_used),
    ];
    let mut units = Units::default();
    for (unit, said) in counts {
        units.add(unit, count(said));
    }
    units
}

/// Writes a usage object; `cost` is the exact decimal text of a number.
pub(super) fn write_usage(out: &mut Vec<u8>, usage: &Usage, cost: Option<&str>) {
    let input = usage.input_total();
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    let mut fields = Fields::open(out);
    fields.value("input_tokens", &input);
    let mut input_details = Fields::open(fields.key("input_tokens_details"));
    input_details.value("cached_tokens", &usage.cache_read);
    input_details.value("cache_write_tokens", &written);
    input_details.close();
    fields.value("output_tokens", &usage.output);
    let mut output_details = Fields::open(fields.key("output_tokens_details"));
    output_details.value("reasoning_tokens", &usage.reasoning);
    output_details.close();
    fields.value("total_tokens", &input.saturating_add(usage.output));
    if let Some(cost) = cost {
        fields.json("cost", cost);
    }
    fields.close();
}

/// What the answer's `service_tier` says of its price.
pub(super) fn served(tier: Option<&str>) -> Served {
    let mut served = Served::default();
    match tier {
        Some("flex") => served.tier = Tier::Flex,
        Some("priority") => served.tier = Tier::Priority,
        Some("batch") => served.tier = Tier::Batch,
        Some("fast") => served.fast = true,
        Some(_) | None => {}
    }
    served
}

/// The `service_tier` that says how an answer was served.
pub(super) const fn tier_name(served: Served) -> &'static str {
    match served.tier {
        Tier::Standard if served.fast => "fast",
        Tier::Standard | Tier::Waived => "default",
        Tier::Flex => "flex",
        Tier::Priority => "priority",
        Tier::Batch => "batch",
    }
}
