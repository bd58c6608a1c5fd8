//! The walk of a request.
//!
//! Every endpoint takes this one path. The steps are function calls in the order they stand
//! here; each lives in the file of its name. A [`Record`] goes along and ends in exactly one log
//! line, however the call ends.

mod admit;
mod authenticate;
mod bodies;
mod bound;
mod byte_path;
mod count;
mod decode;
mod dispatch;
mod embed;
mod encode;
mod foreign;
mod gather;
mod guest;
mod heard;
mod hold;
mod idempotency;
mod inbound;
mod meter;
mod models;
mod noted;
mod packing;
mod plan;
mod receipt;
mod reply;
mod reported;
mod route;
mod settle;
mod slice;
mod splice;
mod stream;
mod terms;
mod unlabelled;
mod whole;

pub use authenticate::{authenticate, must};
pub use bodies::Bodies;
pub use count::count_tokens;
pub use decode::{RawCall, decode};
pub use dispatch::RETRY_BUDGET_START;
pub use guest::Guest;
pub use heard::{Ear, Heard};
pub(crate) use idempotency::{Asked, claim};
pub use inbound::{Door, Inbound, Pace, percent_decoded, read_body};
pub use models::{list as list_models, one as one_model};
pub use plan::{Choice, LeftOut, Plan};
pub use reply::{Body, Response, json};
pub use route::{can_ask, explain, route};
pub use settle::{Outcome, Record};

use crate::gateway::Gateway;
use crate::upstream::Pool;
use std::sync::Arc;
use terms::Terms;
use vane_dialect::Fault;
use vane_ledger::{Caller, Right};

/// Takes a request from its head and body to its answer, or to the fault that explains why there
/// is none. The caller proved who it is by a key or otherwise, or is a guest.
///
/// # Errors
/// Whatever goes wrong before the first byte of an answer could be sent.
pub async fn relay(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    (caller, guest): (&Arc<Caller>, Option<Guest>),
    inbound: Inbound,
    query: &str,
    record: &mut Record,
) -> Result<Response, Fault> {
    record.caller(caller);
    must(caller, Right::Call)?;
    let once = match claim(gateway, caller, &inbound, query).await? {
        Asked::Freely => None,
        Asked::First(once) => Some(once),
        Asked::Again { call, answer } => {
            record.replayed(call);
            return Ok(answer);
        }
    };
    let answered = answer(gateway, pool, (caller, guest), inbound, record).await;
    match once {
        None => answered,
        Some(once) => once.keep(answered).await,
    }
}

async fn answer(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    (caller, guest): (&Arc<Caller>, Option<Guest>),
    inbound: Inbound,
    record: &mut Record,
) -> Result<Response, Fault> {
    let state = gateway.state();
    let call = decode(inbound)?;
    record.call(&call);
    let mut plan = route(&state, &caller.limits, &call, record.began())?;
    if let Some(guest) = guest {
        guest.narrow(&state, &call, &mut plan)?;
    }
    let place = admit::admit(gateway, caller, &call, record).await?;
    let hold = hold::hold(gateway, &state, caller, &call, &mut plan, record.began()).await?;
    let terms = Terms::of(gateway, caller, &plan);
    record.admitted(place, hold);
    let (standing, door) = (record.standing(), call.dialect());
    let answered = dispatch::dispatch(gateway, pool, &state, caller, call, plan, record);
    let mut response = answered.await?;
    standing.tell(door, gateway.clock.now(), response.headers_mut());
    terms.tell(gateway, caller, response.headers_mut());
    Ok(response)
}
