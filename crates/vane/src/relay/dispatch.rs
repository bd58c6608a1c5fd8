//! Walks the plan: attempt after attempt until one reaches its first content.
//!
//! Until then nothing was sent to the client, so every failure may be tried again or elsewhere.
//! Who is to blame decides what is benched: a caller's fault nothing, a credential's the provider
//! key, everything else the offer.

use super::decode::RawCall;
use super::encode::{self, Outgoing};
use super::meter::Basis;
use super::packing::{Packing, gunzip};
use super::plan::{Choice, Plan};
use super::reply::{Body, Response};
use super::settle::Record;
use super::stream::{LiveStream, Streaming};
use super::unlabelled;
use super::whole::{self, WholeAnswer};
use crate::config::variable_name;
use crate::gateway::{Gateway, State};
use crate::seal::StateSeal;
use crate::upstream::{Body as UpstreamBody, Parts, Pool, Trials, Unsent, Via};
use http::HeaderMap;
use http::Uri;
use http::header::RETRY_AFTER;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, UNIX_EPOCH};
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::seal::Seal;
use vane_dialect::{Dialect, Fault, Notes, codec};
use vane_ledger::Caller;

/// Retries that a freshly started gateway may make, in hundredths.
pub const RETRY_BUDGET_START: i64 = 2_000;
const RETRY_BUDGET_MAX: i64 = 10_000;

/// Everything one call needs on its way upstream and back.
pub(super) struct Walk {
    pub gateway: Arc<Gateway>,
    pub pool: Pool,
    pub state: Arc<State>,
    pub call: RawCall,
    pub plan: Plan,
    pub seal: Arc<dyn Seal>,
    /// Who asks, to a model of this machine.
    pub realm: u64,
    /// Unix seconds at which the call began.
    pub began: i64,
}

/// The head of an upstream's answer, and what was asked to get it.
pub(super) struct Asked {
    pub choice: Choice,
    pub trials: Trials,
    pub response: http::Response<UpstreamBody>,
    pub asked: codec::Asked,
    pub notes: Notes,
}

/// An attempt that reached its first content, or its end.
pub(super) enum Reached {
    Stream(Box<LiveStream>),
    Whole(Box<WholeAnswer>),
}

/// # Errors
/// The fault of the last attempt, when none reached content.
pub(super) async fn dispatch(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    state: &Arc<State>,
    caller: &Arc<Caller>,
    call: RawCall,
    plan: Plan,
    record: &mut Record,
) -> Result<Response, Fault> {
    let walk = Arc::new(Walk {
        gateway: gateway.clone(),
        pool: pool.clone(),
        state: state.clone(),
        seal: Arc::new(StateSeal::new(gateway.sealer.clone(), caller.account_id)),
        realm: realm(caller),
        call,
        plan,
        began: record.began(),
    });
    if walk.call.stream {
        return streamed(walk, record).await;
    }
    match reach(&walk, record).await? {
        Reached::Whole(answer) => Ok(answer.into_response(&walk, record).await),
        Reached::Stream(_) => Err(Fault::new(
            Kind::Internal,
            Blame::Us,
            "a stream nobody asked for",
        )),
    }
}

/// Only prompts of one realm share what was computed for them: how soon an answer begins tells
/// nobody what others have asked. Guests are strangers to each other, and each call is its own.
fn realm(caller: &Caller) -> u64 {
    if caller.account_name == crate::playground::GUEST {
        RandomState::new().hash_one(caller.account_id)
    } else {
        caller.account_id.0.unsigned_abs()
    }
}

/// Waits for the first content, but not longer than a client waits for a head.
async fn streamed(walk: Arc<Walk>, record: &mut Record) -> Result<Response, Fault> {
    let mut owned = record.take();
    let limit = walk.state.config.timeouts.forced_head;
    let asking = walk.clone();
    let mut reaching = Box::pin(async move {
        let reached = reach(&asking, &mut owned).await;
        (reached, owned)
    });
    tokio::select! {
        biased;
        (reached, owned) = &mut reaching => match reached {
            Ok(Reached::Stream(live)) => {
                let mut response = live.head(&walk);
                *response.body_mut() = Body::Stream(Box::new(Streaming::live(&walk, *live, owned)));
                Ok(response)
            }
            Ok(Reached::Whole(answer)) => Ok(answer.into_stream(&walk, owned)),
            Err(fault) if is_told_within(&walk.call, &fault) => {
                let mut response = super::stream::head(&walk.call);
                *response.body_mut() = Body::Stream(Box::new(Streaming::failed(&walk, &fault, owned)));
                Ok(response)
            }
            Err(fault) => {
                *record = owned;
                Err(fault)
            }
        },
        () = tokio::time::sleep(limit) => {
            let mut response = super::stream::head(&walk.call);
            *response.body_mut() = Body::Stream(Box::new(Streaming::reaching(&walk, reaching)));
            Ok(response)
        }
    }
}

/// Whether the failure has its place in the stream, as OpenAI itself tells it: Codex compacts a
/// conversation that has become too long when it hears so there, and stops at a status of 400.
fn is_told_within(call: &RawCall, fault: &Fault) -> bool {
    call.dialect() == Dialect::OpenaiResponses && fault.kind == Kind::ContextLength
}

/// Tries the plan, best offer first.
pub(super) async fn reach(walk: &Walk, record: &mut Record) -> Result<Reached, Fault> {
    let retries = &walk.state.config.retries;
    let budget = &walk.gateway.retry_budget;
    if budget.load(Relaxed) < RETRY_BUDGET_MAX {
        budget.fetch_add(i64::from(retries.budget_percent), Relaxed);
    }
    let mut made = 0;
    let mut last: Option<(&Choice, Fault)> = None;
    for (at, choice) in walk.plan.choices.iter().enumerate() {
        let is_last = at + 1 == walk.plan.choices.len();
        for nth in 1..=retries.per_offer_max {
            let request = match prepare(walk, choice) {
                Ok(request) => request,
                // Nobody was asked: that is no try, and costs none.
                Err(fault) => {
                    pass_over(record, &mut last, choice, fault)?;
                    break;
                }
            };
            if made > 0 && (made == retries.attempts_max || !spend(budget)) {
                return Err(last.map_or_else(exhausted, |(_, fault)| fault));
            }
            made += 1;
            if let Some((before, fault)) = &last {
                record.failed(&before.offer, fault);
            }
            let trials = choice.offer.begin();
            let fault = match attempt(walk, choice, trials, request, record).await {
                Ok(reached) => {
                    choice.offer.succeeded(trials);
                    return Ok(reached);
                }
                Err(fault) => choice.offer.provider.mask.fault(fault),
            };
            record.attempt_failed(&fault);
            choice.offer.bench(trials, &fault);
            warn_of_no_key(walk, choice, &fault);
            if !is_elsewhere(&fault) {
                return Err(fault);
            }
            // The try that benched it was its last while others are left.
            let again = nth < retries.per_offer_max && (is_last || choice.offer.benched_ms() == 0);
            let pause = pause(&fault, nth, is_last);
            last = Some((choice, fault));
            match pause {
                Some(pause) if again => tokio::time::sleep(pause).await,
                _ => break,
            }
        }
    }
    Err(last.map_or_else(exhausted, |(_, fault)| fault))
}

/// A caller is told that Vane's credential was refused, also where there is none: who runs the server
/// is told what to set.
fn warn_of_no_key(walk: &Walk, choice: &Choice, fault: &Fault) {
    if fault.kind != Kind::Unauthenticated || fault.blame != Blame::ProviderKey {
        return;
    }
    let id = &choice.offer.provider.id;
    let mut rows = walk.state.config.providers.iter();
    if rows.any(|row| row.id == *id && row.api_key.is_none()) {
        let variable = variable_name(&format!("{id}.api_key"));
        tracing::warn!(
            provider = %id, %variable,
            "a provider wants a key and has none here: set the variable, or `api_key` in its row"
        );
    }
}

/// Whether another offer may do what this one did not.
fn is_elsewhere(fault: &Fault) -> bool {
    fault.worth_another_try() || fault.kind == Kind::Unsupported
}

/// Goes on to the next choice, if one may do better.
fn pass_over<'w>(
    record: &mut Record,
    last: &mut Option<(&'w Choice, Fault)>,
    choice: &'w Choice,
    fault: Fault,
) -> Result<(), Fault> {
    if !is_elsewhere(&fault) {
        return Err(fault);
    }
    if let Some((before, fault)) = last {
        record.failed(&before.offer, fault);
    }
    *last = Some((choice, fault));
    Ok(())
}

fn exhausted() -> Fault {
    Fault::new(Kind::Unavailable, Blame::Us, "no attempt could be made")
}

/// Takes one retry from the budget.
fn spend(budget: &std::sync::atomic::AtomicI64) -> bool {
    let enough = budget.fetch_sub(100, Relaxed) >= 100;
    if !enough {
        budget.fetch_add(100, Relaxed);
    }
    enough
}

/// How long to wait before the same offer is tried again; `None`: it is not.
fn pause(fault: &Fault, nth: usize, is_last: bool) -> Option<Duration> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let backoff = Duration::from_millis(100 << nth.min(4));
    match fault.kind {
        Kind::Upstream | Kind::Protocol => Some(fault.retry_after.unwrap_or(backoff)),
        // Another offer is better than waiting for this one.
        Kind::RateLimited | Kind::Overloaded if is_last => {
            Some(fault.retry_after.unwrap_or(backoff))
        }
        _ => None,
    }
    .filter(|pause| *pause <= PATIENCE)
}

async fn attempt(
    walk: &Walk,
    choice: &Choice,
    trials: Trials,
    request: Prepared,
    record: &mut Record,
) -> Result<Reached, Fault> {
    let asked = ask(walk, choice, trials, request, record).await?;
    if walk.call.door.dialect.task() == Task::Embed {
        return super::embed::read(walk, asked)
            .await
            .map(|a| Reached::Whole(Box::new(a)));
    }
    if !walk.call.stream {
        return whole::read(walk, asked)
            .await
            .map(|answer| Reached::Whole(Box::new(answer)));
    }
    let (is_stream, asked) = unlabelled::is_stream(walk, asked).await?;
    if !is_stream {
        return whole::read(walk, asked)
            .await
            .map(|answer| Reached::Whole(Box::new(answer)));
    }
    let mut live = LiveStream::new(walk, asked)?;
    live.prime(&walk.state.config.timeouts).await?;
    Ok(Reached::Stream(Box::new(live)))
}

/// A request that could be sent to a choice.
struct Prepared {
    outgoing: Outgoing,
    basis: Basis,
    address: Uri,
}

/// Makes the request of the call for a choice.
///
/// # Errors
/// If the call cannot be asked there.
fn prepare(walk: &Walk, choice: &Choice) -> Result<Prepared, Fault> {
    let nobody = || {
        let why = "a plan with a dialect nobody speaks";
        Fault::new(Kind::Internal, Blame::Us, why)
    };
    let outgoing = encode::outgoing(walk, choice)?;
    let provider = &choice.offer.provider;
    let address = match provider.address(choice.dialect) {
        Some(address) if outgoing.in_beta => provider.beta_address(address),
        address => address.cloned(),
    };
    Ok(Prepared {
        outgoing,
        basis: super::receipt::basis(&walk.call, &walk.plan, choice)?,
        address: address.ok_or_else(nobody)?,
    })
}

/// Sends the call to a choice and waits for a head that is no error.
async fn ask(
    walk: &Walk,
    choice: &Choice,
    trials: Trials,
    prepared: Prepared,
    record: &mut Record,
) -> Result<Asked, Fault> {
    let outgoing = prepared.outgoing;
    record.attempt(&choice.offer, outgoing.notes.dropped(), prepared.basis);
    let provider = &choice.offer.provider;
    let mut request = http::Request::new(Parts::from(outgoing.parts));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = prepared.address;
    *request.headers_mut() = encode::headers(&walk.call, choice, walk.call.stream, outgoing.beta);
    if provider.is_local() {
        let headers = request.headers_mut();
        headers.insert(crate::local::REALM, walk.realm.into());
    }
    let limit = walk.state.config.timeouts.upstream_head;
    let sending = || record.sending();
    // Pinned where it is made: it is large, and to hand it on by value copies it.
    let sent = std::pin::pin!(walk.pool.send_heard(request, provider.h2c, sending));
    let sent = tokio::time::timeout(limit, sent).await;
    let response = match sent {
        Err(_) => {
            let message = format!("{} did not begin to answer within {limit:?}", provider.id);
            return Err(Fault::new(Kind::Timeout, Blame::Upstream, message));
        }
        Ok(Err(unsent)) => return Err(not_sent(&provider.id, &unsent)),
        Ok(Ok(response)) => response,
    };
    if response.status() != http::StatusCode::OK {
        let now = walk.gateway.clock.now();
        return Err(refused(choice, response, now).await);
    }
    Ok(Asked {
        choice: choice.clone(),
        trials,
        response,
        asked: outgoing.asked,
        notes: outgoing.notes,
    })
}

/// What it means that a provider could not be asked, or broke off before it answered.
fn not_sent(provider: &str, unsent: &Unsent) -> Fault {
    let message = format!("{provider} {unsent}");
    match unsent {
        Unsent::Unreachable(_) | Unsent::Broken(_) => {
            Fault::new(Kind::Upstream, Blame::Upstream, message)
        }
        Unsent::Exhausted(_) => Fault {
            retry_after: Some(Duration::from_secs(1)),
            ..Fault::new(Kind::Unavailable, Blame::Us, message)
        },
    }
}

/// An error body is read this far.
const ERROR_BYTES_MAX: usize = 64 << 10;
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// Reads an upstream's error answer.
async fn refused(choice: &Choice, response: http::Response<UpstreamBody>, now: i64) -> Fault {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let packing = Packing::of(response.headers());
    let via = response.extensions().get::<Via>().cloned();
    let mut body = Vec::new();
    let mut upstream = response.into_body();
    let reading = async {
        while let Some(Ok(data)) = upstream.data().await {
            body.extend_from_slice(&data);
            if body.len() > ERROR_BYTES_MAX {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(ERROR_PATIENCE, reading).await;
    if packing == Packing::Gzip {
        let mut plain = Vec::new();
        // Whatever can be read of it says more than nothing.
        let _ = gunzip(&body, ERROR_BYTES_MAX, &mut plain);
        body = plain;
    }
    body.truncate(ERROR_BYTES_MAX);
    let proxy = via.map(|via| via.name);
    let mut fault = if let (407, Some(proxy)) = (status, &proxy) {
        let message = format!("the proxy {proxy} wants a credential, or another one");
        Fault::new(Kind::Upstream, Blame::Upstream, message)
    } else if (300..400).contains(&status) {
        Fault::protocol(format!(
            "the upstream answered with a redirect ({status}), which Vane does not follow: check its base URL"
        ))
    } else {
        let body = choice.offer.provider.mask.bytes(body.into());
        codec::decode_error(choice.dialect, status, &body)
    };
    if let (502..=504, Some(proxy)) = (status, &proxy) {
        fault.message += &format!(" (or so the proxy {proxy} says)");
    }
    Fault {
        retry_after: fault.retry_after.or(retry_after),
        ..fault
    }
}

/// How long an upstream wants to be left alone, in milliseconds, seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |text: &str| text.parse::<f64>().ok();
    let positive = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return positive(ms / 1000.0);
    }
    let said = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(said) {
        return positive(seconds);
    }
    let until = httpdate::parse_http_date(said).ok()?;
    let until = until.duration_since(UNIX_EPOCH).ok()?;
    let now = Duration::from_secs(u64::try_from(now).ok()?);
    Some(until.saturating_sub(now))
}

pub(super) fn content_type(response: &http::Response<UpstreamBody>) -> &str {
    let value = response.headers().get(http::header::CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn an_upstream_says_in_several_ways_how_long_to_wait() {
        // A second before the date.
        const NOW: i64 = 784_111_776;
        for (name, text, expected) in [
            ("retry-after", "2", Some(2_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after-ms", "250", Some(250)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(1_000)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:30 GMT", Some(0)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(text));
            let expected = expected.map(Duration::from_millis);
            assert_eq!(retry_after(&headers, NOW), expected, "{name}: {text}");
        }
    }
}
