//! `[payments]` and `[credits]`: what is taken, and what must not start.

use super::{good, problems};

const PAYMENTS: &str = r#"[payments]
provider = "stripe"
secret_key = "env:STRIPE_KEY"
webhook_secret = "env:STRIPE_WEBHOOK"
success_url = "https://vane.example/paid"
cancel_url = "https://vane.example/credits"
"#;

const KEYS: [(&str, &str); 2] = [("STRIPE_KEY", "sk_test_x"), ("STRIPE_WEBHOOK", "whsec_x")];

#[test]
fn payments_are_off_unless_they_can_be_checked() {
    let payments = good("payments-good", PAYMENTS, &KEYS).payments.unwrap();
    assert_eq!(payments.api_base, "https://api.stripe.com");
    assert_eq!(payments.top_up_min.to_string(), "5");
    assert_eq!(payments.fee_percent.pico(), 0);
    assert!(!format!("{payments:?}").contains("whsec_x"));
    assert!(good("payments-off", "", &[]).payments.is_none());
    // S10: without the secret, or with an empty one, it does not start.
    for (name, variables, named) in [
        (
            "unset",
            &[("STRIPE_KEY", "sk_test_x")][..],
            "webhook_secret",
        ),
        (
            "empty",
            &[("STRIPE_KEY", "sk_test_x"), ("STRIPE_WEBHOOK", "")],
            "webhook_secret",
        ),
        (
            "blank",
            &[("STRIPE_KEY", "sk_test_x"), ("STRIPE_WEBHOOK", "  ")],
            "webhook_secret",
        ),
        ("no-key", &[("STRIPE_WEBHOOK", "whsec_x")], "secret_key"),
        (
            "public",
            &[("STRIPE_KEY", "pk_test_x"), ("STRIPE_WEBHOOK", "whsec_x")],
            "secret_key",
        ),
    ] {
        let said = problems(&format!("payments-{name}"), PAYMENTS, variables);
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(
            said[0].contains(&format!("payments.{named}")),
            "{name}: {said:?}"
        );
    }
    for (name, without) in [
        ("no-secret", "webhook_secret = \"env:STRIPE_WEBHOOK\"\n"),
        ("no-provider", "provider = \"stripe\"\n"),
        ("no-page", "success_url = \"https://vane.example/paid\"\n"),
    ] {
        let text = PAYMENTS.replace(without, "");
        assert_ne!(text, PAYMENTS);
        let said = problems(&format!("payments-{name}"), &text, &KEYS);
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].contains("is missing"), "{name}: {said:?}");
    }
}

#[test]
fn what_cannot_be_paid_is_a_problem_of_its_key() {
    for (name, line, named) in [
        ("eur", "currency = \"eur\"", "currency"),
        ("paypal", "api_base = \"ftp://x\"", "api_base"),
        ("float", "top_up_min = 5.0", "top_up_min"),
        ("low", "top_up_min = \"0.49\"", "top_up_min"),
        ("fine", "top_up_max = \"10.001\"", "top_up_max"),
        (
            "turned",
            "top_up_min = \"50\"\ntop_up_max = \"10\"",
            "top_up_min",
        ),
        ("percent", "fee_percent = \"101\"", "fee_percent"),
        ("negative", "fee_fixed = \"-1\"", "fee_fixed"),
        ("unknown", "fee_percentage = \"5\"", "fee_percent"),
    ] {
        let said = problems(
            &format!("payments-{name}"),
            &format!("{PAYMENTS}{line}\n"),
            &KEYS,
        );
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].contains(named), "{name}: {said:?}");
    }
    let fees = format!("{PAYMENTS}fee_percent = \"2.9\"\nfee_fixed = \"0.30\"\n");
    let payments = good("payments-fees", &fees, &KEYS).payments.unwrap();
    assert_eq!(payments.fee_percent.to_string(), "2.9");
}

#[test]
fn signing_up_gives_credit_by_configuration() {
    assert!(good("sign-up-none", "", &[]).sign_up.is_none());
    let source = |text: &str, now| {
        let sign_up = good("sign-up", text, &[]).sign_up.unwrap();
        assert_eq!(sign_up.amount.to_string(), "5");
        match sign_up.source(now) {
            vane_ledger::book::Source::Promotion { expires_at } => expires_at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(source("[credits]\nsign_up = \"5\"\n", 100), i64::MAX);
    let ends = "[credits]\nsign_up = \"5\"\nexpires_days = 30\n";
    assert_eq!(source(ends, 100), 100 + 30 * 86_400);
    for (name, line) in [("zero", "\"0\""), ("float", "5.0"), ("negative", "\"-5\"")] {
        let said = problems(
            &format!("sign-up-{name}"),
            &format!("[credits]\nsign_up = {line}\n"),
            &[],
        );
        assert!(
            said.len() == 1 && said[0].contains("credits.sign_up"),
            "{said:?}"
        );
    }
}
