//! The usage of this dialect: read from every event that carries a part of it, written whole.
//!
//! `message_start` has the input, `message_delta` the output so far and, at newer providers, all
//! of it again. A count that is named again replaces the older one; one that is not stays (T19).

use super::wire::Members;
use crate::json::{Object, Path, Str};
use crate::usage::{Region, Served, Tier, Unit, Units, Usage};
use serde_json::value::RawValue;

/// No real count is larger: what is beyond is a lie and counts as 0.
const COUNT_MAX: u64 = 1 << 53;

/// What was said so far; `None` where nothing was.
#[derive(Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    read: Option<u64>,
    written: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    /// What summing up the conversation took: billed, and in none of the counts above.
    compaction: Option<Box<Counts>>,
    /// Entries of `iterations` that are in none of these counts and have rates of their own.
    others: u64,
    /// The provider says that it takes nothing.
    pub(super) waived: bool,
    served: Served,
}

impl Counts {
    /// Takes what the usage object `raw` says; anything else than an object says nothing.
    pub(super) fn merge(&mut self, raw: &RawValue) {
        let Ok(mut usage) = Object::read(raw, &Path::Root) else {
            return;
        };
        replace(&mut self.input, usage.take("input_tokens"));
        replace(&mut self.read, usage.take("cache_read_input_tokens"));
        replace(&mut self.written, usage.take("cache_creation_input_tokens"));
        replace(&mut self.output, usage.take("output_tokens"));
        if let Some(mut written) = inner(&mut usage, "cache_creation") {
            replace(
                &mut self.written_5m,
                written.take("ephemeral_5m_input_tokens"),
            );
            replace(
                &mut self.written_1h,
                written.take("ephemeral_1h_input_tokens"),
            );
        }
        if let Some(mut details) = inner(&mut usage, "output_tokens_details") {
            replace(&mut self.thinking, details.take("thinking_tokens"));
        }
        if let Some(mut tools) = inner(&mut usage, "server_tool_use") {
            replace(&mut self.searches, tools.take("web_search_requests"));
        }
        if let Some(iterations) = usage.take("iterations") {
            (self.compaction, self.others) = read_iterations(iterations);
        }
        self.merge_served(&mut usage);
    }

    fn add(&mut self, more: &Self) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        add(&mut self.input, more.input);
        add(&mut self.read, more.read);
        add(&mut self.written, more.written);
        add(&mut self.written_5m, more.written_5m);
        add(&mut self.written_1h, more.written_1h);
        add(&mut self.output, more.output);
    }

    fn merge_served(&mut self, usage: &mut Object<'_>) {
        let mut word = |key| {
            let read = usage.get::<Str<'_>>(key, &Path::Root);
            read.ok().flatten()
        };
        if let Some(Str(tier)) = word("service_tier") {
            self.served.tier = match tier.as_ref() {
                "priority" => Tier::Priority,
                "batch" => Tier::Batch,
                "flex" => Tier::Flex,
                _ => Tier::Standard,
            };
        }
        if let Some(Str(region)) = word("inference_geo") {
            self.served.region = match region.as_ref() {
                "us" => Region::Us,
                "eu" => Region::Eu,
                _ => Region::Global,
            };
        }
        if let Some(Str(speed)) = word("speed") {
            self.served.fast = speed == "fast";
        }
    }

    /// Whether the provider says that nothing was read and nothing written.
    pub(super) fn are_zero(&self) -> bool {
        let others = [self.read, self.written, self.output, self.searches];
        let others = others.iter().all(|count| count.unwrap_or(0) == 0);
        self.input == Some(0) && others
    }

    /// The counts, disjoint. The total of cache writes is the measure; the split only says how
    /// much of it was for an hour.
    pub(super) fn usage(&self) -> Usage {
        let of = |count: Option<u64>| count.unwrap_or(0);
        let parts = of(self.written_5m).saturating_add(of(self.written_1h));
        let written = self.written.unwrap_or(parts);
        let an_hour = of(self.written_1h).min(written);
        let output = of(self.output);
        let beside = self.compaction.as_deref().map(Self::usage);
        let beside = beside.unwrap_or_default();
        let mut units = Units::of(Unit::WebSearch, of(self.searches));
        units.add(Unit::Iteration, self.others);
        let mut served = self.served;
        if self.waived {
            served.tier = Tier::Waived;
        }
        Usage {
            input_uncached: of(self.input).saturating_add(beside.input_uncached),
            cache_read: of(self.read).saturating_add(beside.cache_read),
            cache_write: (written - an_hour).saturating_add(beside.cache_write),
            cache_write_1h: an_hour.saturating_add(beside.cache_write_1h),
            output: output.saturating_add(beside.output),
            reasoning: of(self.thinking).min(output),
            units,
            served,
        }
    }
}

/// The sum of the `compaction` entries of `iterations`, and how many there are of other models: only
/// those of type `message` are in the counts beside the list.
fn read_iterations(iterations: &RawValue) -> (Option<Box<Counts>>, u64) {
    let list: Vec<&RawValue> = serde_json::from_str(iterations.get()).unwrap_or_default();
    let mut sum = None::<Box<Counts>>;
    let mut others = 0;
    for raw in list {
        let Ok(mut entry) = Object::read(raw, &Path::Root) else {
            continue;
        };
        let kind = entry.get::<Str<'_>>("type", &Path::Root).ok().flatten();
        match kind.as_ref().map(|Str(kind)| kind.as_ref()) {
            Some("compaction") => {
                let mut counts = Counts::default();
                counts.merge(raw);
                sum.get_or_insert_default().add(&counts);
            }
            Some("message") | None => {}
            Some(_) => others += 1,
        }
    }
    (sum, others)
}

fn inner<'a>(usage: &mut Object<'a>, key: &str) -> Option<Object<'a>> {
    Object::read(usage.take(key)?, &Path::Root).ok()
}

fn replace(count: &mut Option<u64>, said: Option<&RawValue>) {
    if let Some(said) = said {
        let number = said.get().parse::<u64>().unwrap_or(0);
        *count = Some(if number > COUNT_MAX { 0 } else { number });
    }
}

/// Writes a whole usage object; `cost` is the exact decimal text of its member.
pub(super) fn write(out: &mut Vec<u8>, usage: &Usage, cost: Option<&str>) {
    let mut members = Members::open(out);
    members.number("input_tokens", usage.input_uncached);
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    members.number("cache_creation_input_tokens", written);
    members.number("cache_read_input_tokens", usage.cache_read);
    let mut split = Members::open(members.key("cache_creation"));
    split.number("ephemeral_5m_input_tokens", usage.cache_write);
    split.number("ephemeral_1h_input_tokens", usage.cache_write_1h);
    split.close();
    members.number("output_tokens", usage.output);
    if usage.reasoning > 0 {
        let mut details = Members::open(members.key("output_tokens_details"));
        details.number("thinking_tokens", usage.reasoning);
        details.close();
    }
    let searches = usage.units.get(Unit::WebSearch);
    if searches > 0 {
        let mut tools = Members::open(members.key("server_tool_use"));
        tools.number("web_search_requests", searches);
        tools.number("web_fetch_requests", 0);
        tools.close();
    }
    write_served(&mut members, usage.served);
    if let Some(cost) = cost {
        members.raw("cost", cost);
    }
    members.close();
}

fn write_served(members: &mut Members<'_>, served: Served) {
    let tier = match served.tier {
        // The dialect has no name for the cheaper tier.
        Tier::Standard | Tier::Flex | Tier::Waived => "standard",
        Tier::Priority => "priority",
        Tier::Batch => "batch",
    };
    members.text("service_tier", tier);
    match served.region {
        Region::Global => {}
        Region::Us => members.text("inference_geo", "us"),
        Region::Eu => members.text("inference_geo", "eu"),
    }
    if served.fast {
        members.text("speed", "fast");
    }
}
