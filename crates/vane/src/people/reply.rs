//! Answers of pages behind the door.
//!
//! Invariant: each carries the strict headers of every page and is kept by nobody. They are not
//! compressed: a form's token must not be packed beside what a stranger can put into an address.

use askama::Template;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use http::{Method, StatusCode};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault, codec};

use crate::relay::{Body, Response};
use crate::site::Frame;
use crate::site::sheet::{HTML, strict};

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    frame: Frame,
    title: &'static str,
    says: String,
}

/// A page.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Result<Response, Fault> {
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Fault::new(Kind::Internal, Blame::Us, "this page could not be written")
    })?;
    Ok(body(status, HTML, html))
}

pub(super) fn body(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::Whole(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    kept_by_nobody(&mut response);
    response
}

/// Leads a browser on after a form, or to where it has to go first.
pub(super) fn elsewhere(address: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    kept_by_nobody(&mut response);
    response
}

fn kept_by_nobody(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    strict(headers);
}

pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// What came of a form: done, or a fault of its sender, who is shown the form again.
///
/// # Errors
/// When the fault is another, which is no answer to a form.
pub(super) fn tried<T>(done: Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    match done {
        Err(fault) if fault.blame != Blame::Caller => Err(fault),
        done => Ok(done),
    }
}

/// A page with a form, and what was wrong with the one that was sent.
pub(super) fn with_form(wrong: Option<&Fault>, shown: &impl Template) -> Result<Response, Fault> {
    page(wrong.map_or(StatusCode::OK, status), shown)
}

/// What was wrong, as people write.
pub(super) fn wrong(fault: Option<&Fault>) -> Option<String> {
    fault.map(|fault| sentence(&fault.message))
}

/// The status of the same fault in the API.
fn status(fault: &Fault) -> StatusCode {
    let (status, _) = codec::encode_error(Dialect::OpenaiChat, fault, "");
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The page of a fault that no form is shown again with.
pub(super) fn refused(fault: &Fault) -> Response {
    let title = match fault.kind {
        Kind::NotFound => "Not found",
        Kind::Forbidden => "Not allowed",
        Kind::RateLimited => "Too often",
        _ if fault.blame == Blame::Caller => "That did not work",
        _ => "Out of order",
    };
    let shown = RefusedPage {
        frame: Frame::private(title),
        title,
        says: sentence(&fault.message),
    };
    let written = page(status(fault), &shown);
    let mut response = written.unwrap_or_else(|_| {
        let text = "this page could not be written".to_owned();
        body(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", text)
    });
    if let Some(wait) = fault.retry_after {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// The page for another method than a page takes.
pub(super) fn takes_only(methods: &[Method]) -> Response {
    let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let message = format!("this page takes {} only", methods.join(" and "));
    let mut response = refused(&Fault::new(Kind::Method, Blame::Caller, message));
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// A message of the API as people write.
pub(super) fn sentence(message: &str) -> String {
    let message = message.replace('`', "");
    let mut letters = message.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if message.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}
