//! TLS towards providers: public certificate authorities and those the operator adds.

use anyhow::Context;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;

/// For what speaks no HTTP.
pub(crate) fn without_alpn(extra_ca: &[PathBuf]) -> anyhow::Result<Arc<ClientConfig>> {
    let mut config = Arc::unwrap_or_clone(client(extra_ca)?);
    config.alpn_protocols.clear();
    Ok(Arc::new(config))
}

pub(super) fn client(extra_ca: &[PathBuf]) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for path in extra_ca {
        let read = || {
            format!(
                "cannot read certificate authorities from {}",
                path.display()
            )
        };
        for certificate in CertificateDer::pem_file_iter(path).with_context(read)? {
            roots
                .add(certificate.with_context(read)?)
                .with_context(read)?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
