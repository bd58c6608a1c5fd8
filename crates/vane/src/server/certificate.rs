//! A certificate and its key, as TLS is spoken with them.
//!
//! The server and `vane check` load them alike, so that one does not pass what the other refuses.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Tls;

/// Why a pair cannot be used, and which of the two is to blame.
#[derive(Debug, thiserror::Error)]
#[error("`tls.{key}` {why}")]
pub(crate) struct Unusable {
    pub(crate) key: &'static str,
    pub(crate) why: String,
}

/// # Errors
/// If either is no PEM, or the key is another certificate's.
pub(crate) fn load(tls: &Tls) -> Result<ServerConfig, Unusable> {
    let of_cert = |why: String| Unusable { key: "cert", why };
    let of_key = |why: String| Unusable { key: "key", why };
    let certificates = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_cert(format!("cannot be read as PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(of_cert("has no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| of_key(format!("cannot be read as a private key in PEM: {error}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| of_cert(format!("cannot be used: {error}")))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| of_key(format!("cannot be used with the certificate: {error}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
