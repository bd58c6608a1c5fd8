//! `/setup/provider`: the first key of a provider, in the first run.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;

use super::must_operate;
use crate::people::provider_key::{self, Kept};
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;

#[derive(Template)]
#[template(path = "setup-provider.html")]
struct ProviderPage {
    frame: Frame,
    csrf: String,
    wrong: Option<String>,
    /// Whether it may be kept without a test.
    is_untestable: bool,
    /// Providers without a key: id and name.
    choices: Vec<(String, String)>,
    chosen: String,
    /// Those that are on.
    on: Vec<String>,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    let Some(form) = &asked.form else {
        return shown(asked, visitor, None, "", false);
    };
    match provider_key::keep(asked, form).await? {
        Kept::Yes => Ok(reply::elsewhere("/setup/key")),
        Kept::No { why, is_untestable } => {
            let chosen = form.text("provider");
            shown(asked, visitor, Some(&why), chosen, is_untestable)
        }
    }
}

fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    wrong: Option<&str>,
    chosen: &str,
    is_untestable: bool,
) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let name = |id: &str| {
        let known = state.catalog.provider(id);
        known.map_or_else(|| id.to_owned(), |known| known.name.to_string())
    };
    let mut choices: Vec<(String, String)> = state
        .config
        .keyless
        .iter()
        .map(|provider| (provider.id.clone(), name(&provider.id)))
        .collect();
    choices.sort_by(|one, other| one.1.cmp(&other.1));
    let page = ProviderPage {
        frame: Frame::private("A provider"),
        csrf: visitor.csrf.clone(),
        wrong: wrong.map(reply::sentence),
        is_untestable,
        choices,
        chosen: match chosen {
            "" => "mistral".to_owned(),
            chosen => chosen.to_owned(),
        },
        on: state
            .config
            .providers
            .iter()
            .map(|provider| name(&provider.id))
            .collect(),
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    reply::page(status, &page)
}
