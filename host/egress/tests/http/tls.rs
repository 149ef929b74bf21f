//! TLS: certificates are checked, HTTP/2 is offered, and no provider of the process is needed.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::support::{FixedResolver, budget, config, get, http, post, template};
use postroom_egress::{AccountConfig, AccountEgress, OriginInputs, SendError, Transport, TransportOptions, WireState};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate for `tls.example.com`, and a server that shows it.
struct Secure {
    port: u16,
    certificate: CertificateDer<'static>,
}

impl Secure {
    async fn start(http2: bool) -> Self {
        let made = rcgen::generate_simple_self_signed(["tls.example.com".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        if http2 {
            settings.alpn_protocols = vec![b"h2".to_vec()];
        }
        let acceptor = TlsAcceptor::from(Arc::new(settings));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that refuses the certificate ends the handshake.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    if http2 { serve_http2(stream).await } else { serve_http1(stream).await }
                });
            }
        });
        Self { port, certificate }
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }
}

async fn serve_http1(mut stream: TlsStream<TcpStream>) {
    let mut buffer = vec![0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
        if stream.write_all(&http(200, &[], "secure")).await.is_err() {
            return;
        }
    }
}

/// Answers with the body it got, ten times over.
async fn serve_http2(stream: TlsStream<TcpStream>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::spawn(async move {
            let mut body = request.into_body();
            let mut got = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).unwrap();
                got.extend_from_slice(&data);
            }
            let mut out = respond.send_response(::http::Response::new(()), false).unwrap();
            out.send_data(got.repeat(10).into(), true).unwrap();
        });
    }
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
    let server = Secure::start(false).await;
    let egress = account(&server.url("tls.example.com"), vec![server.certificate.clone()]);
    assert_eq!(egress.send(get("/x"), &budget()).await.unwrap().body, b"secure");
    let other = account(&server.url("other.example.com"), vec![server.certificate.clone()]);
    let error = other.send(get("/x"), &budget()).await.unwrap_err();
    assert!(matches!(error, SendError::ConnectFailed(_)), "{error:?}");
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_before_anything_is_sent() {
    let (server, another) = (Secure::start(false).await, Secure::start(false).await);
    let budget = budget();
    let egress = account(&server.url("tls.example.com"), vec![another.certificate]);
    let error = egress.send(get("/x"), &budget).await.unwrap_err();
    assert_eq!(
        error,
        SendError::ConnectFailed("Origin `api` cannot be reached: it offers no trusted encryption (TLS).".to_owned())
    );
    assert_eq!(budget.facts().last, WireState::Unsent);
}

#[tokio::test]
async fn http2_is_spoken_where_the_server_has_it() {
    let server = Secure::start(true).await;
    let egress = account(&server.url("tls.example.com"), vec![server.certificate.clone()]);
    let sent = "0123456789".repeat(20_000);
    let response = egress.send(post("/x", &sent), &budget()).await.unwrap();
    assert!(response.body == sent.repeat(10).as_bytes(), "{} bytes", response.body.len());
}
