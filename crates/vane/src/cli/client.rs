//! A running Vane, as `chat` and `fim` call it.

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::delta::{Bill, Deltas, message};
use super::{Failure, http as wire};
use crate::config::Environment;

const USUAL_URL: &str = "http://127.0.0.1:8787";
const UNARY_BYTES_MAX: usize = 16 << 20;

/// Where the running Vane is, and the key to it.
#[derive(Debug, clap::Args)]
pub(super) struct Client {
    /// Where Vane runs [variable: VANE_URL] [default: http://127.0.0.1:8787]
    #[arg(long)]
    url: Option<String>,
    /// The key; the variable keeps it out of the list of processes [variable: VANE_API_KEY]
    #[arg(long)]
    key: Option<String>,
}

/// A model that the key may use, and what it is good for.
pub(super) struct Card {
    pub(super) id: String,
    pub(super) chats: bool,
    pub(super) fills: bool,
}

/// What a streamed call ended with.
pub(super) enum Ended {
    Finished(Bill),
    /// The reader stopped it.
    Stopped,
}

impl Client {
    /// The models that the key may use.
    pub(super) async fn models(&self, environment: &Environment) -> Result<Vec<Card>, Failure> {
        let request = self.request(environment, Method::GET, "/v1/models", None)?;
        let body = whole(answer(request).await?).await?;
        let rows = body
            .get("data")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        Ok(rows.iter().filter_map(Card::read).collect())
    }

    /// Streams an answer into `show`. Ctrl-C ends it, at the server too.
    pub(super) async fn stream(
        &self,
        environment: &Environment,
        path: &str,
        body: &Value,
        show: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<Ended, Failure> {
        let request = self.request(environment, Method::POST, path, Some(body))?;
        // Before anything is shown: who reads that may press it.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
        tokio::select! {
            bill = streamed(request, show) => bill.map(Ended::Finished),
            _ = interrupt.recv() => Ok(Ended::Stopped),
        }
    }

    fn request(
        &self,
        environment: &Environment,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let url = self
            .url
            .as_deref()
            .or(environment.get("VANE_URL"))
            .unwrap_or(USUAL_URL);
        let url = url.trim_end_matches('/');
        // Other programs are given the address with the path of their dialect.
        let url = url.strip_suffix("/v1").unwrap_or(url);
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let said = "--url or VANE_URL must begin with http:// or https://, such as";
            return Err(Failure::said(format!("{said} {USUAL_URL}")));
        }
        let key = self
            .key
            .as_deref()
            .or(environment.get("VANE_API_KEY"))
            .ok_or_else(|| {
                Failure::said("no key: set VANE_API_KEY (`vane key create` makes one)")
            })?;
        Request::builder()
            .method(method)
            .uri(format!("{url}{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.map_or_else(String::new, Value::to_string)))
            .map_err(|_| Failure::said("the URL or the key has characters that no call can carry"))
    }
}

impl Card {
    fn read(row: &Value) -> Option<Self> {
        let can = |what: &str| row["capabilities"][what] == true;
        Some(Self {
            id: row.get("id")?.as_str()?.to_owned(),
            chats: can("completion_chat"),
            fills: can("completion_fim"),
        })
    }
}

async fn streamed(
    request: Request<Full<Bytes>>,
    mut show: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Bill, Failure> {
    let response = answer(request).await?;
    let said = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (cost_in_head, request_id) = (said("vane-cost"), said("vane-request-id"));
    let mut body = response.into_body();
    let mut deltas = Deltas::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Failure::said(format!("the answer broke off: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            show(&deltas.push(bytes)?)?;
        }
    }
    let (rest, mut bill) = deltas.finish()?;
    show(&rest)?;
    bill.cost = bill.cost.or(cost_in_head);
    bill.request_id = request_id;
    Ok(bill)
}

/// An answer that is no error.
async fn answer(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let response = wire::send(request).await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let said = whole(response)
        .await
        .map(|body| message(&body))
        .unwrap_or_default();
    let said = if said.is_empty() {
        "no reason given"
    } else {
        &said
    };
    Err(Failure::said(format!("{}: {said}", status.as_u16())))
}

async fn whole(response: Response<Incoming>) -> Result<Value, Failure> {
    let body = Limited::new(response.into_body(), UNARY_BYTES_MAX)
        .collect()
        .await;
    let bytes = body
        .map_err(|_| Failure::said("the answer broke off"))?
        .to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| Failure::said("the answer is not JSON; is it Vane?"))
}
