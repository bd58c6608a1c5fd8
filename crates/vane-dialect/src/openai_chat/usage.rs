//! Usage on the wire: the totals include their parts; canonical counts do not.

use crate::json::{self, Json, Odd, Reader};
use crate::usage::{SearchContext, Served, Tier, Unit, Units, Usage};
use std::borrow::Cow;

/// Every spelling of the same few counts that providers of this dialect use.
#[derive(Debug, Default)]
struct Wire<'a> {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt: Details,
    completion: Details,
    /// The largest of the counts of tokens read from a cache, which are alternatives of one.
    read: u64,
    /// Proxies in front of Anthropic; inside `prompt_tokens` like all others.
    cache_creation_input_tokens: u64,
    /// Perplexity.
    num_search_queries: u64,
    search_context_size: Option<Cow<'a, str>>,
    /// xAI.
    num_sources_used: u64,
    /// OpenRouter.
    server_tool_use: Details,
    service_tier: Option<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Details {
    cached_tokens: u64,
    cache_write_tokens: u64,
    reasoning_tokens: u64,
    web_search_requests: u64,
    audio_tokens: u64,
}

impl Details {
    /// Details are read where they are an object.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Odd> {
        let mut details = Self::default();
        reader.object_if(|reader, key| {
            match key {
                "cached_tokens" => details.cached_tokens = reader.count()?,
                // The other: Alibaba.
                "cache_write_tokens" | "cache_creation_input_tokens" => {
                    details.cache_write_tokens = details.cache_write_tokens.max(reader.count()?);
                }
                "reasoning_tokens" => details.reasoning_tokens = reader.count()?,
                "web_search_requests" => details.web_search_requests = reader.count()?,
                "audio_tokens" => details.audio_tokens = reader.count()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(details)
    }
}

impl<'a> Wire<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Odd> {
        let mut wire = Self::default();
        reader.object(|reader, key| {
            match key {
                "prompt_tokens" => wire.prompt_tokens = reader.count()?,
                "completion_tokens" => wire.completion_tokens = reader.count()?,
                "total_tokens" => wire.total_tokens = reader.count()?,
                "prompt_tokens_details" => wire.prompt = Details::read(reader)?,
                // Mistral, beside the other.
                "prompt_token_details" => wire.cached(Details::read(reader)?.cached_tokens),
                "completion_tokens_details" => wire.completion = Details::read(reader)?,
                // DeepSeek, Moonshot, Mistral, and proxies in front of Anthropic.
                "prompt_cache_hit_tokens"
                | "cached_tokens"
                | "num_cached_tokens"
                | "cache_read_input_tokens" => wire.cached(reader.count()?),
                "cache_creation_input_tokens" => {
                    wire.cache_creation_input_tokens = reader.count()?;
                }
                "num_search_queries" => wire.num_search_queries = reader.count()?,
                "search_context_size" => wire.search_context_size = reader.loose_string()?,
                "num_sources_used" => wire.num_sources_used = reader.count()?,
                "server_tool_use" => wire.server_tool_use = Details::read(reader)?,
                "service_tier" => wire.service_tier = reader.loose_string()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        wire.cached(wire.prompt.cached_tokens);
        Ok(wire)
    }

    fn cached(&mut self, tokens: u64) {
        self.read = self.read.max(tokens);
    }
}

/// Reads a usage object; `None` if it is no object.
pub(crate) fn read(json: Json<'_>) -> Option<Usage> {
    let wire = Reader::whole(json.get(), Wire::read).ok()?;
    let (read, completion) = (wire.read, wire.completion);
    let written = wire
        .prompt
        .cache_write_tokens
        .max(wire.cache_creation_input_tokens);
    // xAI and Gemini leave reasoning out of `completion_tokens`, but not out of the total.
    let stated = wire.prompt_tokens + wire.completion_tokens;
    let unstated = wire.total_tokens.saturating_sub(stated);
    // Others count the cached part of the prompt into the total a second time.
    let is_cache = unstated == read + written && unstated != completion.reasoning_tokens;
    let unstated = if is_cache { 0 } else { unstated };
    let usage = Usage::from_inclusive(
        wire.prompt_tokens,
        read,
        written,
        wire.completion_tokens + unstated,
        completion.reasoning_tokens.max(unstated),
    );
    let searches = wire.server_tool_use.web_search_requests;
    let mut units = Units::of(Unit::WebSearch, searches.max(wire.num_search_queries));
    units.add(Unit::Source, wire.num_sources_used);
    units.add(Unit::Audio, wire.prompt.audio_tokens);
    let tier = wire.service_tier.as_deref().map(served);
    let context = wire.search_context_size.as_deref();
    Some(Usage {
        units,
        served: Served {
            search_context: context
                .and_then(SearchContext::from_name)
                .unwrap_or_default(),
            ..tier.unwrap_or_default()
        },
        ..usage
    })
}

/// What the answer's `service_tier` says about its price.
pub(crate) fn served(name: &str) -> Served {
    Served {
        tier: match name {
            "flex" => Tier::Flex,
            "priority" => Tier::Priority,
            "batch" => Tier::Batch,
            _ => Tier::Standard,
        },
        fast: name == "fast",
        ..Served::default()
    }
}

/// Appends the usage object; `cost` is written digit by digit as it was given.
pub(crate) fn write(out: &mut Vec<u8>, usage: &Usage, cost: Option<&str>) {
    let input = usage.input_total();
    let mut count = |name: &str, count: u64| {
        out.extend_from_slice(name.as_bytes());
        json::number(out, count);
    };
    count(r#"{"prompt_tokens":"#, input);
    count(r#","completion_tokens":"#, usage.output);
    count(r#","total_tokens":"#, input.saturating_add(usage.output));
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    count(
        r#","prompt_tokens_details":{"cached_tokens":"#,
        usage.cache_read,
    );
    count(r#","cache_write_tokens":"#, written);
    count(
        r#"},"completion_tokens_details":{"reasoning_tokens":"#,
        usage.reasoning,
    );
    out.push(b'}');
    if let Some(cost) = cost {
        out.extend_from_slice(br#","cost":"#);
        out.extend_from_slice(cost.as_bytes());
    }
    out.push(b'}');
}

/// The tier's name where it is not the standard one.
pub(crate) const fn tier_name(served: Served) -> Option<&'static str> {
    match served.tier {
        Tier::Flex => Some("flex"),
        Tier::Priority => Some("priority"),
        Tier::Batch => Some("batch"),
        Tier::Standard if served.fast => Some("fast"),
        Tier::Standard | Tier::Waived => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> Usage {
        read(Json::new(text)).unwrap()
    }

    #[test]
    fn m1_cached_tokens_are_not_priced_twice() {
        for cached in [
            r#""prompt_tokens_details":{"cached_tokens":64}"#,
            r#""prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36"#,
            r#""cached_tokens":64"#,
            r#""num_cached_tokens":64,"prompt_token_details":{"cached_tokens":64}"#,
            r#""prompt_token_details":{"cached_tokens":64},"prompt_tokens_details":{"cached_tokens":64}"#,
        ] {
            let usage = usage(&format!(
                r#"{{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,{cached}}}"#
            ));
            assert_eq!(
                (usage.input_uncached, usage.cache_read),
                (36, 64),
                "{cached}"
            );
            assert_eq!(usage.output, 7);
        }
    }

    /// Alibaba; proxies in front of Anthropic say it beside the details, or in both places.
    #[test]
    fn m1_tokens_written_to_the_cache_are_read_wherever_they_stand() {
        for written in [
            r#""prompt_tokens_details":{"cached_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":60},"cache_creation_input_tokens":60,"cache_type":"ephemeral"}"#,
            r#""prompt_tokens_details":{"cached_tokens":10,"cache_creation_input_tokens":60},"cache_creation_input_tokens":60"#,
            r#""prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":60,"cache_creation_input_tokens":60}"#,
            r#""prompt_tokens_details":{"cached_tokens":10},"cache_creation_input_tokens":60"#,
        ] {
            let usage = usage(&format!(
                r#"{{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,{written}}}"#
            ));
            assert_eq!(
                (usage.input_uncached, usage.cache_read, usage.cache_write),
                (30, 10, 60),
                "{written}"
            );
        }
    }

    #[test]
    fn m1_reasoning_outside_the_completion_is_output() {
        let usage = usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,
               "completion_tokens_details":{"reasoning_tokens":100}}"#,
        );
        assert_eq!((usage.output, usage.reasoning), (105, 100));
    }

    #[test]
    fn m1_a_total_that_counts_the_cache_twice_is_no_output() {
        let usage = usage(
            r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":185,
               "prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":16}}"#,
        );
        assert_eq!((usage.output, usage.reasoning), (5, 0));
        assert_eq!(usage.input_total(), 100);
    }

    #[test]
    fn m2_negative_and_absurd_counts_are_zero() {
        let usage = usage(
            r#"{"prompt_tokens":-5,"completion_tokens":1e300,"total_tokens":"many",
               "prompt_tokens_details":{"cached_tokens":99999999999999999999}}"#,
        );
        assert_eq!(usage, Usage::default());
    }

    #[test]
    fn searches_sources_and_their_context_are_counted() {
        let perplexity = usage(
            r#"{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"search_context_size":"high",
               "num_search_queries":3}"#,
        );
        assert_eq!(perplexity.units, Units::of(Unit::WebSearch, 3));
        assert_eq!(perplexity.served.search_context, SearchContext::High);
        let live = usage(r#"{"prompt_tokens":1,"num_sources_used":4}"#);
        assert_eq!(live.units, Units::of(Unit::Source, 4));
        let routed = usage(r#"{"prompt_tokens":1,"server_tool_use":{"web_search_requests":2}}"#);
        assert_eq!(routed.units, Units::of(Unit::WebSearch, 2));
    }

    #[test]
    fn m8_recordings_that_were_heard_are_counted_and_spoken_answers_are_not() {
        let heard = usage(
            r#"{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
               "prompt_tokens_details":{"audio_tokens":90},"completion_tokens_details":{"audio_tokens":5}}"#,
        );
        assert_eq!(heard.units, Units::of(Unit::Audio, 90));
        assert_eq!((heard.input_uncached, heard.output), (100, 7));
        let none = usage(r#"{"prompt_tokens":1,"prompt_tokens_details":{"audio_tokens":0}}"#);
        assert!(none.units.is_empty());
    }

    #[test]
    fn the_cost_keeps_its_digits() {
        let mut out = Vec::new();
        write(
            &mut out,
            &Usage::from_inclusive(3, 1, 0, 2, 0),
            Some("0.00075000"),
        );
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"cost":0.00075000}"#
        );
    }
}
