//! A client for one request at a time: what commands need to talk to a running Vane.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Failure;

/// Sends a request and returns the answer's head; the body follows as it is read. Dropping the
/// body closes the connection, which is how an answer is stopped.
pub(super) async fn send(request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
    let uri = request.uri().clone();
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(Failure::said(format!(
            "{uri} is no URL; write http://HOST:PORT"
        )));
    };
    let secure = *scheme == Scheme::HTTPS;
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let host = authority.host().trim_matches(['[', ']']);
    let away = |error: std::io::Error| {
        let hint = "is `vane serve` running there? (--url or VANE_URL names another place)";
        Failure::said(format!("cannot reach {authority}: {error}; {hint}"))
    };
    let stream = TcpStream::connect((host, port)).await.map_err(away)?;
    stream.set_nodelay(true).map_err(away)?;
    if secure {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Failure::said(format!("{host} is no name for a certificate")))?;
        let stream = connector()?.connect(name, stream).await.map_err(away)?;
        exchange(TokioIo::new(stream), request, authority, &uri).await
    } else {
        exchange(TokioIo::new(stream), request, authority, &uri).await
    }
}

fn connector() -> Result<TlsConnector, Failure> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::said(format!("cannot set up TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange<S: Read + Write + Unpin + Send + 'static>(
    stream: S,
    mut request: Request<Full<Bytes>>,
    authority: &Authority,
    uri: &Uri,
) -> Result<Response<Incoming>, Failure> {
    let broken = |error: hyper::Error| {
        Failure::said(format!("the connection to {authority} broke: {error}"))
    };
    let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
    tokio::spawn(connection);
    // HTTP/1.1 takes the path in its first line and the rest in a header.
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path
        .parse()
        .map_err(|_| Failure::said(format!("{uri} is no URL")))?;
    let host = header::HeaderValue::from_str(authority.as_str())
        .map_err(|_| Failure::said(format!("{uri} is no URL")))?;
    request.headers_mut().insert(header::HOST, host);
    sender.send_request(request).await.map_err(broken)
}
