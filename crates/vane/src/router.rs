//! From a request to whoever answers it: `table` has every route, and what all answers carry is
//! put on here.

mod client;
mod cors;
mod host;
mod ready;
mod table;
#[cfg(test)]
mod tests;

pub use table::{PREFIXES, ROUTES, Route, find, methods};

use crate::api;
use crate::gateway::Gateway;
use crate::payments;
use crate::people;
use crate::playground::{self, Asking};
use crate::relay::{self, Body, Door, Inbound, Pace, Record, Response, json};
use crate::rescue::rescue;
use crate::server;
use crate::site;
use crate::telemetry;
use crate::upstream::{HOP, Pool};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, Uri};
use std::net::IpAddr;
use std::sync::Arc;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};
use vane_ledger::Caller;

/// Answers one request.
pub async fn answer(
    gateway: Arc<Gateway>,
    pool: Pool,
    peer: IpAddr,
    request: Request<server::Body>,
) -> Response {
    // To a socket of IPv6, clients of IPv4 come as `::ffff:a.b.c.d`.
    let peer = peer.to_canonical();
    let (mut head, body) = request.into_parts();
    let request_id = gateway.request_id();
    let found = find(head.uri.path());
    if let Err(fault) = for_us(&gateway, found.map(|(route, _)| route), &head) {
        let dialect = found.map_or(dialect_of(&head), |(route, _)| route.dialect(&head));
        return finished(rescue(dialect, &fault, &request_id), &request_id);
    }
    let mistaken = |(route, rest): &(Route, &str)| match route {
        Route::Site(page) => site::is_mistaken(*page, rest, &head),
        _ => false,
    };
    let Some((route, rest)) = found.filter(|found| !mistaken(found)) else {
        return finished(nowhere(&gateway, &head, &request_id), &request_id);
    };
    let mut response = match route {
        Route::Live => json(200, Bytes::from_static(br#"{"status":"live"}"#)),
        Route::Ready => ready::ready(&gateway),
        Route::Metrics => metrics(&gateway, peer, &head.headers),
        Route::Site(site::Page::Playground) | Route::Play(_) => {
            Box::pin(played(
                &gateway,
                &pool,
                &head,
                peer,
                &request_id,
                route,
                body,
            ))
            .await
        }
        Route::PlayReceipt => Box::pin(playground::receipt(&gateway, &head, rest)).await,
        Route::Site(page) => Box::pin(site::answer(&gateway, page, rest, &head)).await,
        Route::People(page) => {
            Box::pin(peopled(&gateway, &pool, page, rest, peer, &head, body)).await
        }
        Route::Call(door)
        | Route::Count(door)
        | Route::Models(door)
        | Route::Model(door)
        | Route::Api(_, door)
        | Route::Webhook(door) => {
            let found = (route, door, rest);
            let headers = std::mem::take(&mut head.headers);
            let asked = (&head.method, &head.uri, headers);
            called(&gateway, &pool, found, peer, asked, body, &request_id).await
        }
    };
    if head.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    finished(response, &request_id)
}

/// Answers a route that programs call.
async fn called(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    (route, door, rest): (Route, Door, &str),
    peer: IpAddr,
    (method, uri, headers): (&Method, &Uri, HeaderMap),
    body: server::Body,
    request_id: &str,
) -> Response {
    let door = recognised(door, &headers);
    let response = match methods(route) {
        _ if *method == Method::OPTIONS && !matches!(route, Route::Webhook(_)) => cors::preflight(),
        methods if !takes(methods, method) => takes_only(methods, door.dialect, request_id),
        _ if !client::may_deliver(gateway, route, peer, &headers) => {
            rescue(door.dialect, &client::too_often(), request_id)
        }
        _ => {
            let keyed = Keyed {
                gateway,
                pool,
                route,
                door,
                rest,
                method,
                uri,
                request_id,
            };
            keyed.answer(headers, body).await
        }
    };
    match route {
        Route::Webhook(_) => response,
        _ => cors::opened(response),
    }
}

/// The playground's page, its form, and the calls of its script.
async fn played(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    head: &http::request::Parts,
    peer: IpAddr,
    request_id: &str,
    route: Route,
    body: server::Body,
) -> Response {
    let proxies = &gateway.state().config.trusted_proxies;
    let asking = Asking {
        gateway,
        pool,
        head,
        client: client::address(proxies, peer, &head.headers).unwrap_or(peer),
        request_id,
    };
    match route {
        Route::Play(door) => playground::call(&asking, door, body).await,
        _ if head.method == Method::POST => playground::post(&asking, body).await,
        _ => playground::page(&asking).await,
    }
}

/// Answers a page behind the door, or the door.
async fn peopled(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    page: people::Page,
    rest: &str,
    peer: IpAddr,
    head: &http::request::Parts,
    body: server::Body,
) -> Response {
    let state = gateway.state();
    let address = client::address(&state.config.trusted_proxies, peer, &head.headers);
    people::answer(
        gateway,
        pool,
        page,
        rest,
        address.unwrap_or(peer),
        head,
        body,
    )
    .await
}

/// Whether the request is for this server. Probes of health come by any name and tell nothing.
fn for_us(
    gateway: &Gateway,
    route: Option<Route>,
    head: &http::request::Parts,
) -> Result<(), Fault> {
    if matches!(route, Some(Route::Live | Route::Ready)) {
        return Ok(());
    }
    let config = &gateway.state().config;
    host::check(
        config,
        head,
        route == Some(Route::Metrics) && !config.metrics_public,
    )
}

impl Route {
    /// The dialect in which a fault of this route is told.
    fn dialect(self, head: &http::request::Parts) -> Dialect {
        match self {
            Self::Call(door)
            | Self::Count(door)
            | Self::Models(door)
            | Self::Model(door)
            | Self::Api(_, door)
            | Self::Webhook(door) => recognised(door, &head.headers).dialect,
            Self::Play(door) => door.dialect,
            Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::People(_)
            | Self::Site(_)
            | Self::PlayReceipt => dialect_of(head),
        }
    }

    /// What is not a call has a short body, if any.
    const fn body_bytes_max(self) -> usize {
        match self {
            Self::Api(page, _) => page.body_bytes_max(),
            Self::Webhook(_) => payments::BODY_BYTES_MAX,
            _ => usize::MAX,
        }
    }
}

/// The dialect of a caller at no door.
fn dialect_of(head: &http::request::Parts) -> Dialect {
    match head.headers.contains_key("anthropic-version") {
        true => Dialect::AnthropicMessages,
        false => Dialect::OpenaiChat,
    }
}

/// A request to a route whose caller proves who it is.
struct Keyed<'r> {
    gateway: &'r Arc<Gateway>,
    pool: &'r Pool,
    route: Route,
    door: Door,
    rest: &'r str,
    method: &'r Method,
    uri: &'r Uri,
    request_id: &'r str,
}

impl Keyed<'_> {
    /// Answers, and ends its record.
    async fn answer(self, headers: HeaderMap, body: server::Body) -> Response {
        let (gateway, door) = (self.gateway, self.door);
        let mut record = Record::begin(gateway, door, self.request_id.to_owned());
        match self.answered(headers, body, &mut record).await {
            Ok(response) => {
                record.end(relay::Outcome::Done, response.status().as_u16(), None);
                response
            }
            Err(fault) => {
                let mut response = rescue(door.dialect, &fault, self.request_id);
                let standing = record.standing();
                standing.tell(door.dialect, gateway.clock.now(), response.headers_mut());
                let status = response.status().as_u16();
                record.end(relay::Outcome::Refused, status, Some(&fault));
                response
            }
        }
    }

    /// Nobody's body is read, or unpacked, who may not ask; and none where it says nothing.
    async fn answered(
        &self,
        headers: HeaderMap,
        body: server::Body,
        record: &mut Record,
    ) -> Result<Response, Fault> {
        if headers.contains_key(HOP) {
            let message =
                "this request came from Vane itself: a provider's base URL points back here";
            return Err(Fault::new(Kind::Loop, Blame::Us, message));
        }
        let (gateway, pool) = (self.gateway, self.pool);
        let query = self.uri.query().unwrap_or_default();
        // Boxed, all that is large: a future is moved once for each that awaits it.
        match self.route {
            Route::Call(_) => {
                let (caller, inbound) = self.called(headers, body, record).await?;
                let who = (&caller, None);
                Box::pin(relay::relay(gateway, pool, who, inbound, query, record)).await
            }
            Route::Count(_) => {
                let (caller, inbound) = self.called(headers, body, record).await?;
                Box::pin(relay::count_tokens(gateway, pool, &caller, inbound)).await
            }
            Route::Model(_) => {
                let caller = relay::authenticate(gateway, &headers).await?;
                let id = relay::percent_decoded(self.rest);
                relay::one_model(gateway, &caller, self.door, &id)
            }
            Route::Api(page, _) => {
                let caller = relay::authenticate(gateway, &headers).await?;
                let inbound = self.read(headers, body).await?;
                let asked = (self.method, self.rest, query);
                let page = api::answer(gateway, pool, &caller, page, asked, &inbound);
                Box::pin(page).await
            }
            Route::Webhook(_) => {
                let inbound = self.read(headers, body).await?;
                Box::pin(payments::receive(gateway, &inbound)).await
            }
            Route::Models(_)
            | Route::Live
            | Route::Ready
            | Route::Metrics
            | Route::People(_)
            | Route::Site(_)
            | Route::Play(_)
            | Route::PlayReceipt => {
                let caller = relay::authenticate(gateway, &headers).await?;
                Ok(relay::list_models(gateway, &caller, self.door, query))
            }
        }
    }

    /// Who calls, and then what.
    async fn called(
        &self,
        headers: HeaderMap,
        body: server::Body,
        record: &mut Record,
    ) -> Result<(Arc<Caller>, Inbound), Fault> {
        let caller = relay::authenticate(self.gateway, &headers).await?;
        record.caller(&caller);
        Ok((caller, self.read(headers, body).await?))
    }

    async fn read(&self, headers: HeaderMap, body: server::Body) -> Result<Inbound, Fault> {
        let mut pace = Pace::of(&self.gateway.state().config);
        pace.bytes_max = pace.bytes_max.min(self.route.body_bytes_max());
        Ok(Inbound {
            door: self.door,
            body: relay::read_body(&self.gateway.bodies, &headers, body, pace).await?,
            headers,
            request_id: self.request_id.to_owned(),
        })
    }
}

/// The door as this caller means it: Mistral's own SDKs want its dialect to the letter, and
/// errors of shared routes are told in the caller's dialect.
fn recognised(door: Door, headers: &HeaderMap) -> Door {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mistral = agent.starts_with("mistral-client") || agent.starts_with("speakeasy-sdk");
    let dialect = match (door.dialect, door.route) {
        (Dialect::OpenaiChat, "/v1/chat/completions" | "/v1/models" | "/v1/models/{id}")
            if mistral =>
        {
            Dialect::MistralChat
        }
        (Dialect::OpenaiEmbeddings, _) if mistral => Dialect::MistralEmbeddings,
        (Dialect::OpenaiChat, "/v1/models" | "/v1/models/{id}")
            if headers.contains_key("anthropic-version") =>
        {
            Dialect::AnthropicMessages
        }
        (dialect, _) => dialect,
    };
    Door { dialect, ..door }
}

fn takes(methods: &[Method], method: &Method) -> bool {
    let asked = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    methods.contains(asked)
}

fn takes_only(methods: &[Method], dialect: Dialect, request_id: &str) -> Response {
    let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let message = format!("this route takes {} only", methods.join(" and "));
    let fault = Fault::new(Kind::Method, Blame::Caller, message);
    let mut response = rescue(dialect, &fault, request_id);
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// Answers where nothing is. Programs come here with a base URL that is not quite ours, those in
/// pages too: they see what it says only where their browser lets them.
fn nowhere(gateway: &Arc<Gateway>, head: &http::request::Parts, request_id: &str) -> Response {
    if head.method == Method::OPTIONS && head.uri.path().starts_with('/') {
        return cors::opened(cors::preflight());
    }
    let page = site::missing(gateway, head);
    page.unwrap_or_else(|| cors::opened(unknown_route(head, request_id)))
}

fn unknown_route(head: &http::request::Parts, request_id: &str) -> Response {
    let path: String = head.uri.path().chars().take(200).collect();
    let message = match find(&format!("/v1{path}")) {
        Some(_) => format!(
            "{path} is no route of the API, /v1{path} is: the base URL that a client is given ends \
             in `/v1`"
        ),
        None => format!("there is no route {path}: see GET /v1/models and the docs"),
    };
    rescue(
        dialect_of(head),
        &Fault::new(Kind::NotFound, Blame::Caller, message).with_code("route_not_found"),
        request_id,
    )
}

fn metrics(gateway: &Gateway, peer: IpAddr, headers: &HeaderMap) -> Response {
    let state = gateway.state();
    let client = client::address(&state.config.trusted_proxies, peer, headers);
    if !client.is_some_and(|client| client.is_loopback()) && !state.config.metrics_public {
        return json(404, Bytes::from_static(br#"{"error":{"message":"/metrics is for loopback: set `metrics_public = true` to open it"}}"#));
    }
    let mut response = json(200, telemetry::render(gateway));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// What clients look for when they want to say which request it was.
const REQUEST_ID: [HeaderName; 3] = [
    HeaderName::from_static("vane-request-id"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
];

/// Every answer says which request it belongs to.
pub(crate) fn finished(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        let headers = response.headers_mut();
        for name in REQUEST_ID {
            headers.insert(name, value.clone());
        }
    }
    response
}
