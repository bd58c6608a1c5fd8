//! Certificates made for one test, and TLS for the fakes that are shown them.
//!
//! Dates are fixed and far away, so that no test fails because a year has passed.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An authority that nobody knows until they are told.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
}

impl Authority {
    /// Of this name: two of one name would be taken for the same one.
    pub fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { issuer, pem })
    }

    /// What those who shall trust it are given.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a host name or address.
    pub fn certificate(&self, name: &str) -> Result<Certificate> {
        self.sign(&CertificateParams::new(vec![name.to_owned()])?)
    }

    /// One whose time is over.
    pub fn expired(&self, name: &str) -> Result<Certificate> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Certificate> {
        let key = KeyPair::generate()?;
        Ok(Certificate {
            pem: params.signed_by(&key, &self.issuer)?.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// A client that trusts this authority alone and offers these protocols.
    pub fn connector(&self, protocols: &[&str]) -> Result<TlsConnector> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes())?)?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = named(protocols);
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl Certificate {
    /// A server that shows this certificate and speaks these protocols.
    pub fn acceptor(&self, protocols: &[&str]) -> Result<TlsAcceptor> {
        let chain = vec![CertificateDer::from_pem_slice(self.pem.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = named(protocols);
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn named(protocols: &[&str]) -> Vec<Vec<u8>> {
    let protocols = protocols.iter();
    protocols.map(|name| name.as_bytes().to_vec()).collect()
}
