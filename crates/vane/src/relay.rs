//! The walk of a request.
//!
//! Every endpoint takes this one path. The steps are function calls in the order they stand
//! here; each lives in the file of its name. A [`Record`] goes along and ends in exactly one log
//! line, however the call ends.

mod admit;
mod authenticate;
mod count;
mod decode;
mod dispatch;
mod embed;
mod encode;
mod gather;
mod hold;
mod inbound;
mod meter;
mod models;
mod plan;
mod receipt;
mod reply;
mod reported;
mod route;
mod settle;
mod splice;
mod stream;
mod whole;

pub use authenticate::authenticate;
pub use count::count_tokens;
pub use decode::{RawCall, decode};
pub use dispatch::RETRY_BUDGET_START;
pub use inbound::{Door, Inbound, Pace, percent_decoded, read_body};
pub use models::{list as list_models, one as one_model};
pub use plan::{Choice, LeftOut, Plan};
pub use reply::{Body, Response, json};
pub use route::{explain, route};
pub use settle::{Outcome, Record};

use crate::gateway::Gateway;
use crate::upstream::Pool;
use std::sync::Arc;
use vane_dialect::Fault;

/// Takes a request from its head and body to its answer, or to the fault that explains why there
/// is none.
///
/// # Errors
/// Whatever goes wrong before the first byte of an answer could be sent.
pub async fn relay(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    inbound: Inbound,
    record: &mut Record,
) -> Result<Response, Fault> {
    let state = gateway.state();
    let caller = authenticate(gateway, &inbound.headers).await?;
    record.caller(&caller);
    let call = decode(inbound)?;
    record.call(&call);
    let plan = route(&state, &caller.limits, &call, record.began())?;
    let place = admit::admit(gateway, &caller, &call, record)?;
    let hold = hold::hold(gateway, &caller, &call, &plan, record.began()).await?;
    let budget = hold.budget();
    record.admitted(place, hold);
    let (standing, door) = (record.standing(), call.dialect());
    let answered = dispatch::dispatch(gateway, pool, &state, &caller, call, plan, record);
    let mut response = answered.await?;
    standing.tell(door, gateway.clock.now(), response.headers_mut());
    hold::tell(gateway, &caller, budget, response.headers_mut());
    Ok(response)
}
