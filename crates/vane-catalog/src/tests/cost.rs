//! Exact costs of known answers.

use vane_dialect::usage::{Region, SearchContext, Served, Tier, Unit, Units, Usage};

use crate::{Asked, Bound, Bucket, Unpriced};

use super::{cost_at, noon, now, offer, served, tokens, usd};

#[test]
fn a_typical_request_costs_what_the_model_pages_say() {
    for (id, exact, shown) in [
        ("codestral-latest", "0.00075", "$0.0008"),
        ("devstral-medium-latest", "0.0014", "$0.0014"),
        ("magistral-medium-latest", "0.0045", "$0.0045"),
        ("magistral-small-latest", "0.00125", "$0.0013"),
        ("ministral-14b-latest", "0.0003", "$0.0003"),
        ("ministral-8b-latest", "0.000225", "$0.0002"),
        ("ministral-3b-latest", "0.00015", "$0.0002"),
        ("claude-opus-5", "0.0175", "$0.0175"),
        ("gpt-4o-mini", "0.00045", "$0.0005"),
    ] {
        let total = offer(id).cost(&tokens(1_000, 500), now()).unwrap().total;
        assert_eq!(
            (total.to_string().as_str(), total.display_cost().as_str()),
            (exact, shown),
            "{id}"
        );
    }
}

#[test]
fn a_receipt_names_its_rates_and_can_be_recomputed_from_them() {
    let usage = tokens(1_000, 500);
    let cost = offer("codestral-latest").cost(&usage, now()).unwrap();
    let lines: Vec<_> = cost
        .lines
        .iter()
        .map(|line| (line.bucket, line.quantity))
        .collect();
    assert_eq!(lines, [(Bucket::Input, 1_000), (Bucket::Output, 500)]);
    assert!(
        cost.rate_version
            .starts_with("codestral-latest@2026-07-05#"),
        "{}",
        cost.rate_version
    );

    let card = offer("codestral-latest").rates_at(now()).unwrap();
    let stored = serde_json::to_string(&*card.rates).unwrap();
    assert_eq!(
        stored,
        r#"{"input":"0.3","output":"0.9","cache_read":"0.03"}"#
    );
    let read: crate::Rates = serde_json::from_str(&stored).unwrap();
    assert!(crate::RateCard::is_version(&cost.rate_version, &read));
    assert_eq!(read.lines(&usage, now()).unwrap(), cost.lines);
    let other = crate::Rates {
        output: read.input,
        ..read
    };
    assert!(!crate::RateCard::is_version(&cost.rate_version, &other));
}

#[test]
fn m1_cached_tokens_are_not_priced_twice() {
    // The provider says 1,000 prompt tokens, 800 of them cached.
    let usage = Usage::from_inclusive(1_000, 800, 0, 0, 0);
    assert_eq!(cost_at("codestral-latest", &usage, now()), "0.000084");
    assert_eq!(usage.input_total(), 1_000);
    let cost = offer("codestral-latest").cost(&usage, now()).unwrap();
    assert_eq!(
        cost.lines.iter().map(|line| line.quantity).sum::<u64>(),
        1_000
    );
}

#[test]
fn m1_a_missing_cache_rate_is_the_input_rate_and_never_free() {
    let cached = Usage {
        cache_read: 500,
        cache_write: 300,
        cache_write_1h: 200,
        ..tokens(0, 0)
    };
    assert_eq!(cost_at("magistral-medium-latest", &cached, now()), "0.002");
}

#[test]
fn cache_writes_are_priced_by_their_lifetime() {
    let short = Usage {
        cache_write: 1_000_000,
        ..Usage::default()
    };
    let long = Usage {
        cache_write_1h: 1_000_000,
        ..Usage::default()
    };
    assert_eq!(cost_at("claude-opus-5", &short, now()), "6.25");
    assert_eq!(cost_at("claude-opus-5", &long, now()), "10");
    assert_eq!(cost_at("kimi-k3", &short, now()), "3");
    assert_eq!(cost_at("kimi-k3", &long, now()), "6");
}

#[test]
fn m2_counts_that_contradict_each_other_never_give_a_negative_charge() {
    let usage = Usage::from_inclusive(10, 64, 5, 3, 9);
    let cost = offer("codestral-latest").cost(&usage, now()).unwrap();
    assert!(cost.total.pico() > 0 && cost.lines.iter().all(|line| line.amount.pico() >= 0));
    let lying = Usage {
        reasoning: 10,
        ..tokens(0, 3)
    };
    assert_eq!(cost_at("gemini-2.5-flash", &lying, now()), "0.0000075");
}

#[test]
fn a_long_input_puts_the_whole_call_on_the_dearer_rates() {
    assert_eq!(
        cost_at("gemini-2.5-pro", &tokens(200_000, 1_000), now()),
        "0.26"
    );
    assert_eq!(
        cost_at("gemini-2.5-pro", &tokens(200_001, 1_000), now()),
        "0.5150025"
    );
    // Cached input counts towards the length.
    let cached = Usage {
        cache_read: 200_000,
        ..tokens(1, 0)
    };
    assert_eq!(cost_at("gemini-2.5-pro", &cached, now()), "0.0500025");
}

#[test]
fn the_tier_that_the_answer_names_picks_the_rate() {
    let at_tier = |tier| Usage {
        served: served(tier, Region::Global, false),
        ..tokens(1_000_000, 0)
    };
    let short = |tier| Usage {
        served: served(tier, Region::Global, false),
        ..tokens(100_000, 0)
    };
    assert_eq!(cost_at("gpt-5.6", &short(Tier::Standard), now()), "0.4");
    assert_eq!(cost_at("gpt-5.6", &short(Tier::Flex), now()), "0.2");
    assert_eq!(cost_at("gpt-5.6", &short(Tier::Batch), now()), "0.2");
    assert_eq!(cost_at("gpt-5.6", &short(Tier::Priority), now()), "0.8");
    assert_eq!(cost_at("gpt-5.6", &at_tier(Tier::Standard), now()), "8");
    assert_eq!(cost_at("gpt-5.6", &at_tier(Tier::Flex), now()), "4");
    assert_eq!(cost_at("gpt-5.6", &at_tier(Tier::Batch), now()), "4");
    assert_eq!(cost_at("gpt-5.6", &at_tier(Tier::Priority), now()), "16");
    let fast = Usage {
        served: served(Tier::Priority, Region::Global, true),
        ..tokens(100_000, 0)
    };
    assert_eq!(cost_at("gpt-6-astra", &fast, now()), "6");
}

#[test]
fn a_discount_that_is_not_priced_costs_the_standard_and_a_surcharge_is_refused() {
    let at_tier = |tier, fast| Usage {
        served: served(tier, Region::Global, fast),
        ..tokens(1_000, 0)
    };
    let codestral = offer("codestral-latest");
    let cost = |usage: &Usage| codestral.cost(usage, now()).map(|cost| cost.total);
    assert_eq!(cost(&at_tier(Tier::Flex, false)), Ok(usd("0.0003")));
    assert_eq!(cost(&at_tier(Tier::Batch, false)), Ok(usd("0.0003")));
    assert_eq!(
        cost(&at_tier(Tier::Priority, false)),
        Err(Unpriced::Priority)
    );
    assert_eq!(cost(&at_tier(Tier::Standard, true)), Err(Unpriced::Fast));
    assert!(!codestral.is_priced_for(served(Tier::Priority, Region::Global, false), now()));
    assert!(codestral.is_priced_for(Served::default(), now()));
}

#[test]
fn off_peak_hours_are_cheaper_by_the_utc_clock() {
    // Friday: peak from 06:00 to 10:00, off-peak from 10:00 on. Saturday: off-peak all day.
    let friday_nine = noon("2026-11-20") - 3 * 3600;
    assert_eq!(
        cost_at("deepseek-flash", &tokens(1_000_000, 0), friday_nine),
        "0.3"
    );
    assert_eq!(
        cost_at("deepseek-flash", &tokens(1_000_000, 0), friday_nine + 3600),
        "0.15"
    );
    assert_eq!(
        cost_at(
            "deepseek-flash",
            &tokens(1_000_000, 0),
            friday_nine + 86_400
        ),
        "0.15"
    );
    let cached = Usage {
        cache_read: 1_000_000,
        ..Usage::default()
    };
    assert_eq!(cost_at("deepseek-flash", &cached, friday_nine), "0.006");
    assert_eq!(
        cost_at("deepseek-flash", &cached, friday_nine + 3600),
        "0.003"
    );
}

#[test]
fn a_discount_that_is_not_priced_costs_no_more_than_the_standard_off_peak() {
    for tier in [Tier::Standard, Tier::Flex, Tier::Batch] {
        let usage = Usage {
            served: served(tier, Region::Global, false),
            ..tokens(1_000_000, 0)
        };
        assert_eq!(cost_at("deepseek-flash", &usage, now()), "0.15", "{tier:?}");
    }
}

#[test]
fn a_region_multiplies_every_rate_where_it_is_priced() {
    let in_region = |region| Usage {
        served: served(Tier::Standard, region, false),
        ..tokens(1_000, 100)
    };
    assert_eq!(
        cost_at("claude-opus-5", &in_region(Region::Global), now()),
        "0.0075"
    );
    assert_eq!(
        cost_at("claude-opus-5", &in_region(Region::Us), now()),
        "0.00825"
    );
    // Anthropic prices no European region.
    assert_eq!(
        cost_at("claude-opus-5", &in_region(Region::Eu), now()),
        "0.0075"
    );
    assert_eq!(cost_at("gpt-5.6", &in_region(Region::Eu), now()), "0.0066");
}

#[test]
fn what_is_billed_by_the_piece_has_a_line_of_its_own() {
    let searched = Usage {
        units: Units::of(Unit::WebSearch, 3),
        ..tokens(1_000, 500)
    };
    let cost = offer("claude-opus-5").cost(&searched, now()).unwrap();
    let line = cost.lines.last().unwrap();
    assert_eq!(
        (line.bucket, line.quantity),
        (Bucket::Use(Unit::WebSearch), 3)
    );
    assert_eq!(
        (line.bucket.name(), line.amount),
        ("web_search", usd("0.03"))
    );
    assert_eq!(
        (cost.total, cost.unpriced.is_empty()),
        (usd("0.0475"), true)
    );
    // Fees are the same in every region and at every tier.
    let regional = Usage {
        served: served(Tier::Standard, Region::Us, false),
        ..searched
    };
    assert_eq!(cost_at("claude-opus-5", &regional, now()), "0.04925");
}

#[test]
fn a_fee_for_each_request_goes_by_its_search_context() {
    for (context, exact) in [
        (SearchContext::Low, "0.0065"),
        (SearchContext::Medium, "0.0095"),
        (SearchContext::High, "0.0135"),
    ] {
        let usage = Usage {
            // Inside the fee: the price list says so with a zero.
            units: Units::of(Unit::WebSearch, 4),
            served: Served {
                search_context: context,
                ..Served::default()
            },
            ..tokens(1_000, 500)
        };
        assert_eq!(cost_at("sonar", &usage, now()), exact, "{context:?}");
    }
}

#[test]
fn m8_a_unit_without_a_price_is_told_and_never_free() {
    let drawn = Usage {
        units: Units::of(Unit::Image, 2),
        ..tokens(1_000, 500)
    };
    let cost = offer("claude-opus-5").cost(&drawn, now()).unwrap();
    assert_eq!((cost.total, cost.unpriced), (usd("0.0175"), drawn.units));
    assert!(!offer("claude-opus-5").prices(Unit::Image, now()));
    assert!(offer("claude-opus-5").prices(Unit::WebSearch, now()));
    // What is free is free in all of it.
    let free = offer("codestral/codestral-latest");
    assert!(free.prices(Unit::WebSearch, now()));
    assert!(free.cost(&drawn, now()).unwrap().unpriced.is_empty());
}

#[test]
fn m8_free_is_said_and_costs_nothing() {
    assert!(offer("codestral/codestral-latest").free);
    assert_eq!(
        cost_at("codestral/codestral-latest", &tokens(1_000, 500), now()),
        "0"
    );
}

#[test]
fn m8_every_offer_has_a_price_for_a_token_of_each_kind() {
    let one = Usage {
        cache_read: 1,
        cache_write: 1,
        cache_write_1h: 1,
        reasoning: 1,
        ..tokens(1, 2)
    };
    for offer in super::CATALOG.offers() {
        let total = offer
            .cost(&one, now())
            .unwrap_or_else(|why| panic!("{}: {why}", offer.id))
            .total;
        assert_eq!(total.pico() > 0, !offer.free, "{}", offer.id);
    }
}

#[test]
fn a_hold_takes_the_dearest_that_was_asked_for() {
    let bound = |asked| Bound {
        input_tokens_max: 1_000,
        output_tokens_max: 500,
        asked,
        ..Bound::default()
    };
    let ceiling = |id: &str, asked| offer(id).ceiling(bound(asked), now()).unwrap();
    assert_eq!(ceiling("codestral-latest", Asked::Standard), usd("0.00075"));
    // An hour's cache write at 10, output at 25, both times 1.1 for the dearest region.
    assert_eq!(ceiling("claude-opus-5", Asked::Standard), usd("0.02475"));
    assert!(ceiling("gpt-6-astra", Asked::Dearer) > ceiling("gpt-6-astra", Asked::Standard));
    let long = Bound {
        input_tokens_max: 300_000,
        output_tokens_max: 0,
        ..Bound::default()
    };
    assert_eq!(
        offer("gemini-2.5-pro").ceiling(long, now()),
        Ok(usd("0.75"))
    );
}

#[test]
fn a_hold_takes_every_use_that_may_come_and_the_fee_of_the_request() {
    let bound = Bound {
        input_tokens_max: 1_000,
        output_tokens_max: 500,
        uses_max: Units::of(Unit::WebSearch, 20),
        ..Bound::default()
    };
    let plain = Bound {
        uses_max: Units::default(),
        ..bound
    };
    let ceiling = |id: &str, bound| offer(id).ceiling(bound, now()).unwrap();
    assert_eq!(ceiling("claude-opus-5", bound), usd("0.22475"));
    assert_eq!(ceiling("claude-opus-5", plain), usd("0.02475"));
    assert_eq!(ceiling("sonar", plain), usd("0.0135"));
}
