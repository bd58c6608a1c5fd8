//! Who is to blame for a failure decides who is told, what is asked next and what is benched.

use serde_json::Value;
use vane_testkit::{Answer, ErrorBody, Fault};

use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

fn hi() -> Value {
    Door::Chat.request("two-m", "Hi", false)
}

/// Which provider answers after `fault` struck `lab` this often.
async fn after(fault: Fault, times: usize, headers: &[(&str, &str)]) -> (u16, String, usize) {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let answer = headers
        .iter()
        .fold(Answer::fault(fault), |answer, (name, value)| {
            answer.header(name, value)
        });
    world.fake.always(answer);
    let mut status = 0;
    for _ in 0..times {
        status = world.post(PATH, hi()).await.status;
    }
    world.fake.always(Answer::text("Well again."));
    let before = world.fake.calls().len();
    let reply = world.post(PATH, hi()).await.ok();
    (
        status,
        reply.header("vane-provider").unwrap().to_owned(),
        before,
    )
}

/// What Groq says where its model wrote a call that is none: the body may be in order.
const NO_CALL: &str = r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function=x>"}}"#;

#[tokio::test]
async fn r5_blame_decides_what_is_benched() {
    for (fault, headers, status, next, asked) in [
        // The caller's fault: told as it is, tried nowhere else, and nothing is benched.
        (Fault::status(400), &[][..], 400, "lab", 4),
        (Fault::status(422), &[], 422, "lab", 4),
        (Fault::status(413), &[], 413, "lab", 4),
        // The provider's: after three failures the offer waits behind the other.
        (Fault::status(500), &[], 200, "spare", 3),
        (Fault::status(529), &[], 200, "spare", 3),
        (Fault::Close, &[], 200, "spare", 3),
        (Fault::OkHtml, &[], 200, "spare", 3),
        // Our key's: benched with a back-off, not killed (R8).
        (Fault::status(401), &[], 200, "spare", 3),
        (Fault::status(402), &[], 200, "spare", 3),
        // Its own word on when to come back counts from the first time.
        (
            Fault::status(429),
            &[("retry-after", "60")],
            200,
            "spare",
            1,
        ),
        (
            Fault::status(503),
            &[("retry-after", "60")],
            200,
            "spare",
            1,
        ),
        // Nobody's: the model wrote what is no call. Tried elsewhere, and nothing is benched.
        (
            Fault::Status {
                status: 400,
                body: ErrorBody::Raw(NO_CALL.to_owned()),
            },
            &[],
            200,
            "lab",
            4,
        ),
    ] {
        let (told, provider, tries) = after(fault.clone(), 4, headers).await;
        let seen = (told, provider.as_str(), tries);
        assert_eq!(seen, (status, next, asked), "{fault:?}");
    }
}

#[tokio::test]
async fn xais_refusal_of_a_prompt_benches_nothing_and_names_no_key() {
    let refused = r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}"#;
    let fault = Fault::Status {
        status: 403,
        body: ErrorBody::Raw(refused.to_owned()),
    };
    let (status, provider, asked) = after(fault, 4, &[]).await;
    assert_eq!((status, provider.as_str(), asked), (400, "lab", 4));
}
