//! `/admin/examples`: runs of the playground that pages show; keeping one, and dropping it.
//!
//! Invariants: what is kept is what this server sealed when it was run, so its words are those of
//! the run; only who runs the server keeps and drops. All of it is text, which the template escapes.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use vane_catalog::Date;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Example, LedgerError};

use super::Room;
use crate::form::Form;
use crate::people::setup::must_operate;
use crate::people::visitor::Visitor;
use crate::people::{Asked, ask, away, need, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::figures::href;

const HERE: &str = "/admin/examples";
/// How long the books may take to know a run that has just ended.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Template)]
#[template(path = "admin-examples.html")]
struct ExamplesPage {
    frame: Frame,
    room: Room,
    rows: Vec<ExampleRow>,
    wrong: Option<String>,
    /// A run that is not kept yet, and the title that was typed.
    run: String,
    title: String,
}

struct ExampleRow {
    id: String,
    title: String,
    /// Open in the playground.
    href: String,
    model: String,
    model_href: String,
    cost: String,
    saved: String,
}

impl ExampleRow {
    fn of(example: Example) -> Self {
        Self {
            href: format!("/playground?example={}", example.id),
            id: example.id,
            title: example.run.title,
            model_href: href("/models/", &example.run.model),
            model: example.run.model,
            cost: match example.cost {
                Some(cost) => format!("${cost}"),
                None => "an illustration".to_owned(),
            },
            saved: Date::of(example.made_at).to_string(),
        }
    }
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    let Some(form) = &asked.form else {
        return shown(asked, visitor, None, &Form::default()).await;
    };
    let done = match form.text("do") {
        "drop" => drop(asked, form).await,
        _ => keep(asked, visitor, form).await,
    };
    match done {
        Ok(()) => {
            asked.gateway.gallery.look_again();
            Ok(reply::elsewhere(HERE))
        }
        Err(fault) if fault.blame == Blame::Caller => {
            shown(asked, visitor, Some(&fault), form).await
        }
        Err(fault) => Err(fault),
    }
}

async fn keep(asked: &Asked<'_>, visitor: &Visitor, form: &Form) -> Result<(), Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    let run = gateway.runs.open(form.raw("run"), &visitor.user.id, now);
    let mut run = run.ok_or_else(|| {
        let message =
            "this is no run that you made here within the hour: run it again, then keep it";
        Fault::invalid("run", message)
    })?;
    form.text("title").clone_into(&mut run.title);
    // A moment after the answer its receipt may still be on its way into the books.
    let caught_up = gateway.replica.caught_up(PATIENCE).await;
    caught_up.map_err(|_| late())?;
    match ask(gateway, move |store| store.save_example(&run, now)).await? {
        Ok(_) => Ok(()),
        Err(error @ (LedgerError::Name { .. } | LedgerError::TooManyExamples { .. })) => {
            Err(Fault::invalid("title", error.to_string()))
        }
        Err(error @ LedgerError::NoSuchRun { .. }) => Err(Fault::invalid("run", error.to_string())),
        Err(error) => Err(away(&error)),
    }
}

fn late() -> Fault {
    let message = "the receipt of this run is not in the books yet: try again in a moment";
    Fault::new(Kind::Unavailable, Blame::Us, message)
}

async fn drop(asked: &Asked<'_>, form: &Form) -> Result<(), Fault> {
    let id = form.text("id").to_owned();
    // Who drops it twice wanted it gone.
    need(asked.gateway, move |store| store.drop_example(&id)).await?;
    Ok(())
}

async fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    wrong: Option<&Fault>,
    form: &Form,
) -> Result<Response, Fault> {
    let rows = need(asked.gateway, |store| store.list_examples()).await?;
    let (run, now) = (form.raw("run"), asked.now());
    let is_good = asked
        .gateway
        .runs
        .open(run, &visitor.user.id, now)
        .is_some();
    let page = ExamplesPage {
        frame: Frame::private("Examples"),
        room: Room::of(visitor, HERE),
        rows: rows.into_iter().map(ExampleRow::of).collect(),
        wrong: wrong.map(|fault| reply::sentence(&fault.message)),
        run: if is_good {
            run.to_owned()
        } else {
            String::new()
        },
        title: form.text("title").to_owned(),
    };
    let status = wrong.map_or(StatusCode::OK, reply::status);
    reply::page(status, &page)
}
