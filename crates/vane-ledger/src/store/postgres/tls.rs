//! TLS towards PostgreSQL, by the same library as everywhere else.
//!
//! How far a server is trusted is the operator's choice (`sslmode`). Without authorities of their
//! own, the public ones are asked.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postgres::Socket;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client};

use crate::error::LedgerError;

/// Who may answer for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Anyone,
    /// Who has a certificate of an authority, under any name.
    Authorities,
    /// Who has a certificate of an authority for the name that is connected to.
    Host,
}

#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    pub(super) fn new(trust: Trust, roots: Option<&Path>) -> Result<Self, LedgerError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let authorities = Arc::new(authorities(roots)?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(tls)?;
        let lenient = |verifier| {
            Arc::new(Lenient {
                verifier,
                provider: Arc::clone(&provider),
            })
        };
        let builder = match trust {
            Trust::Host => builder.with_root_certificates(authorities),
            Trust::Anyone => builder
                .dangerous()
                .with_custom_certificate_verifier(lenient(None)),
            Trust::Authorities => {
                let by =
                    WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider));
                let by = by.build().map_err(tls)?;
                let verifier = lenient(Some(by));
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
            }
        };
        let config = Arc::new(builder.with_no_client_auth());
        Ok(Self(TlsConnector::from(config)))
    }
}

fn tls(cause: impl std::fmt::Display) -> LedgerError {
    LedgerError::Tls {
        why: cause.to_string(),
    }
}

fn authorities(file: Option<&Path>) -> Result<RootCertStore, LedgerError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let named = |cause: &dyn std::fmt::Display| {
        tls(format!(
            "cannot read certificate authorities from {}: {cause}",
            path.display()
        ))
    };
    for certificate in CertificateDer::pem_file_iter(path).map_err(|cause| named(&cause))? {
        let certificate = certificate.map_err(|cause| named(&cause))?;
        roots.add(certificate).map_err(|cause| named(&cause))?;
    }
    Ok(roots)
}

/// Leaves names unchecked, and without a verifier who certified them too. That the server has the
/// key of its certificate is checked always.
#[derive(Debug)]
struct Lenient {
    verifier: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        revocation: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(verifier) = &self.verifier else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(certificate, between, name, revocation, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The connector for one host.
pub(super) struct ToHost {
    connector: TlsConnector,
    host: String,
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type TlsConnect = ToHost;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<ToHost> {
        let connector = self.0.clone();
        // A socket of this machine has no host; whether that matters is seen when it is needed.
        let host = host.to_owned();
        Ok(ToHost { connector, host })
    }
}

impl TlsConnect<Socket> for ToHost {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            let stream = self.connector.connect(name, socket).await?;
            Ok(Encrypted(Box::new(stream)))
        })
    }
}

pub(super) struct Encrypted(Box<client::TlsStream<Socket>>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        // The kind that servers know hashes the certificate by the algorithm of its signature, which
        // the library does not tell. Who wants the server proven uses `verify-full`.
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
