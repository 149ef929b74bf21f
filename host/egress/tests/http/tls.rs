//! TLS: certificates are checked, HTTP/2 is offered, and no provider of the process is needed.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::support::{FixedResolver, budget, config, get, http, template};
use postroom_egress::{AccountConfig, AccountEgress, OriginInputs, SendError, Transport, TransportOptions, WireState};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server named `tls.example.com`; returns its port and the certificate to trust.
async fn start() -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["tls.example.com".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that refuses the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = vec![0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(&http(200, &[], "secure")).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, certificate)
}

fn account(url: &str, extra_roots: Vec<CertificateDer<'static>>) -> AccountEgress {
    let origin = template("api", "https://api.example.com")
        .resolve(&OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure: true })
        .unwrap();
    let transport = Transport::new(TransportOptions {
        resolver: Arc::new(FixedResolver(vec![Ipv4Addr::LOCALHOST.into()])),
        extra_roots,
        ..TransportOptions::default()
    });
    AccountEgress::new(AccountConfig { transport, ..config(vec![origin]) }).unwrap()
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted_for_its_own_name_only() {
    let (port, certificate) = start().await;
    let egress = account(&format!("https://tls.example.com:{port}"), vec![certificate.clone()]);
    assert_eq!(egress.send(get("/x"), &budget()).await.unwrap().body, b"secure");
    let other = account(&format!("https://other.example.com:{port}"), vec![certificate]);
    let error = other.send(get("/x"), &budget()).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectFailed(_)), "{error:?}");
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_before_anything_is_sent() {
    let (port, _) = start().await;
    let budget = budget();
    let (_, another) = start().await;
    let error =
        account(&format!("https://tls.example.com:{port}"), vec![another]).send(get("/x"), &budget).await.unwrap_err();
    assert_eq!(
        error,
        SendError::ConnectFailed("Origin `api` cannot be reached: it offers no trusted encryption (TLS).".to_owned())
    );
    assert_eq!(budget.facts().last, WireState::Unsent);
}
