//! What must hold for any usage at any offer.

use proptest::prelude::*;
use vane_dialect::usage::{Region, SearchContext, Served, Tier, Unit, Units, Usage};

use crate::{Asked, Bound, Bucket, Money, Offer, Unpriced};

use super::{CATALOG, now};

prop_compose! {
    fn served()(
        tier in 0..4_usize, region in 0..3_usize, fast in any::<bool>(), context in 0..3_usize,
    ) -> Served {
        let contexts = [SearchContext::Low, SearchContext::Medium, SearchContext::High];
        let tiers = [Tier::Standard, Tier::Flex, Tier::Priority, Tier::Batch];
        let regions = [Region::Global, Region::Us, Region::Eu];
        Served { tier: tiers[tier], region: regions[region], fast, search_context: contexts[context] }
    }
}

prop_compose! {
    fn usage()(
        input_uncached in 0..400_000_u64,
        cache_read in 0..400_000_u64,
        cache_write in 0..400_000_u64,
        cache_write_1h in 0..400_000_u64,
        output in 0..200_000_u64,
        reasoning in 0..300_000_u64,
        served in served(),
        unit in 0..Unit::ALL.len(),
        uses in 0..100_u64,
    ) -> Usage {
        let units = Units::of(Unit::ALL[unit], uses);
        Usage { input_uncached, cache_read, cache_write, cache_write_1h, output, reasoning, units, served }
    }
}

prop_compose! {
    fn offer()(index in 0..CATALOG.offers().len()) -> &'static Offer {
        CATALOG.offers()[index].as_ref()
    }
}

/// Any hour of the two months around the scheduled changes.
fn instant() -> impl Strategy<Value = i64> {
    (0..60 * 24_i64).prop_map(|hours| now() + hours * 3600)
}

proptest! {
    #[test]
    fn lines_are_tokens_times_rate_and_sum_to_the_total(
        offer in offer(), usage in usage(), at in instant(),
    ) {
        let Ok(cost) = offer.cost(&usage, at) else {
            prop_assert!(!offer.is_priced_for(usage.served, at));
            return Ok(());
        };
        let mut sum = 0_i128;
        let mut tokens = 0;
        for line in &cost.lines {
            prop_assert!(line.amount >= Money::ZERO);
            let product = i128::from(line.quantity) * i128::from(line.rate.pico_per_token());
            prop_assert_eq!(i128::from(line.amount.pico()), product);
            sum += i128::from(line.amount.pico());
            if !matches!(line.bucket, Bucket::Use(_)) {
                tokens += line.quantity;
            }
        }
        prop_assert_eq!(i128::from(cost.total.pico()), sum);
        prop_assert_eq!(tokens, usage.input_total() + usage.output);
    }

    #[test]
    fn more_tokens_never_cost_less(
        offer in offer(), usage in usage(), bucket in 0..5_usize, more in 0..300_000_u64, at in instant(),
    ) {
        let mut larger = usage;
        let fields = [
            &mut larger.input_uncached,
            &mut larger.cache_read,
            &mut larger.cache_write,
            &mut larger.cache_write_1h,
            &mut larger.output,
        ];
        for (index, field) in fields.into_iter().enumerate() {
            *field += if index == bucket { more } else { 0 };
        }
        let (small, large) = (offer.cost(&usage, at), offer.cost(&larger, at));
        prop_assume!(small.is_ok() && large.is_ok());
        let (small, large) = (small.unwrap(), large.unwrap());
        prop_assert!(large.total >= small.total, "{}: {} < {}", offer.id, large.total, small.total);
    }

    #[test]
    fn a_hold_covers_every_answer_within_its_bound(
        offer in offer(), usage in usage(), at in instant(),
    ) {
        // What is passed over is drawn anew; too much of it fails.
        let cost = offer.cost(&usage, at);
        prop_assume!(cost.is_ok());
        let cost = cost.unwrap();
        let asked = match usage.served {
            Served { tier: Tier::Priority, .. } | Served { fast: true, .. } => Asked::Dearer,
            _ => Asked::Standard,
        };
        let (input_tokens_max, output_tokens_max) = (usage.input_total(), usage.output);
        let bound = Bound { input_tokens_max, output_tokens_max, asked, uses_max: usage.units };
        let ceiling = offer.ceiling(bound, at).unwrap();
        prop_assert!(cost.total <= ceiling, "{}: {} > {}", offer.id, cost.total, ceiling);
    }

    #[test]
    fn a_hold_that_is_extended_by_the_dearest_token_covers_as_much_as_one_that_is_made_for_all(
        offer in offer(), usage in usage(), more in 0..100_000_u64, at in instant(),
    ) {
        let bound = |output_tokens_max| Bound {
            input_tokens_max: usage.input_total(),
            output_tokens_max,
            asked: Asked::Dearer,
            uses_max: usage.units,
        };
        let whole = offer.ceiling(bound(usage.output + more), at);
        prop_assume!(whole.is_ok());
        let whole = whole.unwrap();
        let slice = offer.ceiling(bound(usage.output), at).unwrap();
        let rate = offer.output_ceiling(bound(usage.output), at).unwrap();
        let extended = slice.checked_add(rate.amount(more).unwrap()).unwrap();
        prop_assert!(whole <= extended, "{}: {} > {}", offer.id, whole, extended);
    }

    #[test]
    fn impossible_counts_are_an_error_and_never_wrap(offer in offer(), count in (u64::MAX / 2)..) {
        let usage = Usage { input_uncached: count, output: count, ..Usage::default() };
        match offer.cost(&usage, now()) {
            Ok(cost) => prop_assert!(offer.free && cost.total == Money::ZERO),
            Err(why) => prop_assert_eq!(why, Unpriced::TooLarge),
        }
    }

    #[test]
    fn any_text_can_be_looked_up(text in ".{0,120}") {
        let found = CATALOG.resolve(&text);
        prop_assert!(found.is_none_or(|found| !found.offers.is_empty()));
        prop_assert!(CATALOG.near(&text).len() <= 5);
    }

    #[test]
    fn money_is_written_as_it_is_read(pico in any::<i64>()) {
        prop_assume!(pico != i64::MIN);
        let money = Money::from_pico(pico);
        prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
    }
}
