//! TLS to the server, as far as `sslmode` demands it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use vane_ledger::{Secret, Store};

use crate::{DIGITS, Folder, address};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let file = format!("{name}-{}.pem", process::id());
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&file, pem).unwrap();
        let issuer = Issuer::new(params, key);
        Self { issuer, file }
    }

    fn acceptor(&self, host: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

/// The server behind TLS, on a port of its own.
fn front(acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, acceptor.clone()));
            }
        });
    });
    port
}

/// Says yes to the request for TLS, as the server would.
async fn carry(mut client: TcpStream, acceptor: TlsAcceptor) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.unwrap();
    client.write_all(b"S").await.unwrap();
    let Ok(mut client) = acceptor.accept(client).await else {
        return;
    };
    let mut server = TcpStream::connect(address()).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[test]
fn a_server_is_trusted_as_far_as_is_asked() {
    let folder = Folder::new();
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let port = front(ours.acceptor("localhost"));
    let (known, unknown) = (Some(&ours.file), Some(&other.file));
    for (host, mode, roots, trusted) in [
        ("localhost", "prefer", None, true),
        ("127.0.0.1", "require", None, true),
        ("localhost", "require", unknown, false),
        ("127.0.0.1", "verify-ca", known, true),
        ("localhost", "verify-ca", unknown, false),
        ("localhost", "verify-full", known, true),
        ("127.0.0.1", "verify-full", known, false),
        ("localhost", "verify-full", unknown, false),
        ("localhost", "verify-full", None, false),
    ] {
        let through = format!("{host}:{port}");
        let mut url = folder.url().replace(&address(), &through);
        url += &format!("&sslmode={mode}");
        if let Some(roots) = roots {
            url += &format!("&sslrootcert={}", roots.display());
        }
        let opened = Store::open_with(&url, Secret::from_hex(DIGITS, "a test").unwrap());
        let said = opened.as_ref().err().map(ToString::to_string);
        assert_eq!(opened.is_ok(), trusted, "{host} {mode} {roots:?}: {said:?}");
        assert!(
            said.is_none_or(|said| said.contains("certificate")),
            "{host} {mode}"
        );
    }
}
