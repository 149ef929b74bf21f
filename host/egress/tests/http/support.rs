//! A server that answers exactly the bytes a test tells it to, and the accounts that talk to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, Credential, JobBudget, JobLimits, Lookup, Method, NameResolver,
    OriginDeclaration, OriginInputs, OriginTemplate, Request, ResolvedOrigin, Secret, SlotKind, Timeouts, Transport,
    Urgency,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef-us6";

/// What to do with one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Send this and keep the connection.
    Keep(Vec<u8>),
    /// Send this and close.
    Close(Vec<u8>),
    /// Send this and then nothing more, with the connection open.
    Hang(Vec<u8>),
    /// Send the bytes one by one, a little apart, for ever.
    Drip(Vec<u8>),
}

/// What the server received of one request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

type Handler = Arc<dyn Fn(usize, &Seen) -> Answer + Send + Sync>;

impl Server {
    /// Answers the n-th request (from 0) with what `handler` says.
    pub(crate) async fn start(handler: impl Fn(usize, &Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), seen: Arc::default(), connections: Arc::default() };
        let handler: Handler = Arc::new(handler);
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, accepting.clone(), Arc::clone(&handler)));
            }
        });
        server
    }

    pub(crate) async fn always(answer: Answer) -> Self {
        Self::start(move |_, _| answer.clone()).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(mut stream: TcpStream, server: Server, handler: Handler) {
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer).await {
        let number = {
            let mut all = server.seen.lock().unwrap();
            all.push(seen.clone());
            all.len() - 1
        };
        // A client that has gone away is part of what is tested.
        match handler(number, &seen) {
            Answer::Keep(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Answer::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Answer::Hang(bytes) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
            Answer::Drip(bytes) => {
                for byte in bytes.iter().cycle() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    let seen = Seen { head, body: Vec::new() };
    let length: usize = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { body: buffer.drain(..length).collect(), ..seen })
}

/// A whole answer with a length.
pub(crate) fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

pub(crate) fn ok(body: impl AsRef<[u8]>) -> Answer {
    Answer::Keep(http(200, &[], body))
}

pub(crate) fn template(label: &str, template: &str) -> OriginTemplate {
    let declaration = OriginDeclaration { label: label.to_owned(), template: template.to_owned(), part: None };
    OriginTemplate::parse(declaration).unwrap()
}

/// A label whose address the operator entered, with `--insecure-origin`.
pub(crate) fn origin(label: &str, url: &str) -> ResolvedOrigin {
    template(label, "https://api.example.com")
        .resolve(&OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure: true })
        .unwrap()
}

pub(crate) fn credential(origin: &str, kind: SlotKind, value: &str) -> Credential {
    Credential { secret: Secret::new(format!("{origin}-key"), value.to_owned()), kind, origin: origin.to_owned() }
}

/// Short enough for a test, long enough for a loaded machine.
pub(crate) fn timeouts() -> Timeouts {
    Timeouts { backoff_min: Duration::from_millis(1), backoff_max: Duration::from_millis(2), ..Timeouts::default() }
}

pub(crate) fn config(origins: Vec<ResolvedOrigin>) -> AccountConfig {
    AccountConfig {
        account: "test".to_owned(),
        origins,
        credentials: Vec::new(),
        limits: AccountLimits::default(),
        timeouts: timeouts(),
        transport: Transport::default(),
    }
}

/// An account with one origin `api`, which is this server, and a Basic credential for it.
pub(crate) fn account(server: &Server) -> AccountEgress {
    AccountEgress::new(account_config(server)).unwrap()
}

pub(crate) fn account_config(server: &Server) -> AccountConfig {
    AccountConfig {
        credentials: vec![credential("api", SlotKind::Basic { username: "any".to_owned() }, KEY)],
        ..config(vec![origin("api", &server.url())])
    }
}

pub(crate) fn concurrency(most: u32) -> AccountLimits {
    AccountLimits { max_concurrency: NonZeroU32::new(most).unwrap(), ..AccountLimits::default() }
}

pub(crate) fn budget() -> JobBudget {
    JobBudget::new(JobLimits::default(), Urgency::Bulk)
}

pub(crate) fn get(path: &str) -> Request {
    Request {
        origin: "api".to_owned(),
        method: Method::Get,
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        safe_to_repeat: true,
    }
}

pub(crate) fn post(path: &str, body: &str) -> Request {
    Request { method: Method::Post, body: Some(body.as_bytes().to_vec()), safe_to_repeat: false, ..get(path) }
}

/// Knows one answer for every name.
pub(crate) struct FixedResolver(pub(crate) Vec<IpAddr>);

impl NameResolver for FixedResolver {
    fn lookup(&self, _name: &str) -> Lookup {
        let found = self.0.clone();
        Box::pin(async move { Ok(found) })
    }
}
