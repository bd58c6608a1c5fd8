//! `/admin/providers`: which providers are on, by whose key, and the keys that are kept here.
//!
//! Invariant: no key is ever shown, nor a part of one; one that the configuration names is not
//! changed here, and wins over one that is kept.

use askama::Template;
use http::StatusCode;
use vane_catalog::Date;
use vane_dialect::Fault;

use super::Room;
use crate::people::provider_key::{self, Kept};
use crate::people::setup::must_operate;
use crate::people::visitor::Visitor;
use crate::people::{Asked, need, reply};
use crate::relay::Response;
use crate::site::Frame;

#[derive(Template)]
#[template(path = "admin-providers.html")]
struct ProvidersPage {
    frame: Frame,
    room: Room,
    rows: Vec<ProviderRow>,
    /// Those whose key may be given here: id and name.
    choices: Vec<(String, String)>,
    chosen: String,
    wrong: Option<String>,
    is_untestable: bool,
}

struct ProviderRow {
    id: String,
    name: String,
    /// Whose key it has.
    key: String,
    is_kept: bool,
}

/// What a form came to, where the page is shown again.
#[derive(Default)]
struct Refused {
    why: String,
    is_untestable: bool,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    let Some(form) = &asked.form else {
        return shown(asked, visitor, "", None).await;
    };
    let id = form.text("provider");
    let refused = match (form.text("do"), form.text("sure")) {
        ("remove", "yes") => match provider_key::drop(asked, id).await? {
            true => None,
            false => Some(Refused {
                why: "no key of this provider is kept here".to_owned(),
                ..Refused::default()
            }),
        },
        ("remove", _) => Some(Refused {
            why: "nothing was done: tick the box that says you mean it".to_owned(),
            ..Refused::default()
        }),
        _ => match provider_key::keep(asked, form).await? {
            Kept::Yes => None,
            Kept::No { why, is_untestable } => Some(Refused { why, is_untestable }),
        },
    };
    match refused {
        None => Ok(reply::elsewhere("/admin/providers")),
        refused => shown(asked, visitor, id, refused).await,
    }
}

async fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    chosen: &str,
    refused: Option<Refused>,
) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let kept = need(asked.gateway, |store| store.kept_providers()).await?;
    let name = |id: &str| {
        let known = state.catalog.provider(id);
        known.map_or_else(|| id.to_owned(), |known| known.name.to_string())
    };
    let own = state.config.providers.iter().filter(|own| !own.is_kept);
    let own = own.map(|provider| ProviderRow {
        id: provider.id.clone(),
        name: name(&provider.id),
        key: match &provider.api_key {
            Some(_) => "of the configuration".to_owned(),
            None => "none".to_owned(),
        },
        is_kept: false,
    });
    let works = |id: &str| state.config.kept_keys().any(|(kept, _)| kept == id);
    let kept = kept.into_iter().map(|(id, since)| ProviderRow {
        name: name(&id),
        key: match works(&id) {
            true => format!("kept here since {}", Date::of(since)),
            false => format!("kept here since {}, and not used", Date::of(since)),
        },
        id,
        is_kept: true,
    });
    let mut rows: Vec<ProviderRow> = own.chain(kept).collect();
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    let keyless = state.config.keyless.iter().map(|one| one.id.as_str());
    let open = keyless.chain(state.config.kept_keys().map(|(id, _)| id));
    let mut choices: Vec<(String, String)> = open.map(|id| (id.to_owned(), name(id))).collect();
    choices.sort_by(|one, other| one.1.cmp(&other.1));
    let status = match refused {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = ProvidersPage {
        frame: Frame::private("Providers"),
        room: Room::of(visitor, "/admin/providers"),
        rows,
        choices,
        chosen: chosen.to_owned(),
        is_untestable: refused
            .as_ref()
            .is_some_and(|refused| refused.is_untestable),
        wrong: refused.map(|refused| reply::sentence(&refused.why)),
    };
    reply::page(status, &page)
}
