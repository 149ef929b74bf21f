//! A provider on this machine that writes down everything it sees, and answers badly on request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_compression::tokio::write::GzipEncoder;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What a gzip bomb becomes when it is unpacked.
const BOMB_BYTES: usize = 32 << 20;

/// How long the provider takes for `/slowly`.
const SLOWLY: Duration = Duration::from_millis(20);

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

/// A running server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    book: Arc<Book>,
}

#[derive(Default)]
struct Book {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    held: AtomicUsize,
    most_held: AtomicUsize,
    arrived: Notify,
    /// Where `/redirect` points.
    elsewhere: Mutex<String>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let book = Arc::new(Book::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&book));
        let counting = Arc::clone(&book);
        let listener = listener.tap_io(move |_| {
            counting.connections.fetch_add(1, Ordering::SeqCst);
        });
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, book }
    }

    /// A provider that has just gone: nobody listens at its address.
    pub(crate) async fn gone() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), book: Arc::default() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.book.seen.lock().unwrap().clone()
    }

    /// The targets of what arrived: path and query.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.target).collect()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.book.connections.load(Ordering::SeqCst)
    }

    /// The most requests to `/hold` that were open at one time.
    pub(crate) fn most_held(&self) -> usize {
        self.book.most_held.load(Ordering::SeqCst)
    }

    /// Waits until a request to `/hold` has arrived: it is never answered.
    pub(crate) async fn holds_one(&self) {
        self.book.arrived.notified().await;
    }

    /// From now on `/redirect` points there.
    pub(crate) fn redirect_to(&self, url: &str) {
        url.clone_into(&mut self.book.elsewhere.lock().unwrap());
    }
}

async fn answer(State(book): State<Arc<Book>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // What a guest sends is small; the body is read so that the connection can be used again.
    to_bytes(body, 1 << 20).await.unwrap();
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    book.seen.lock().unwrap().push(Seen { target, headers: parts.headers.clone() });
    match parts.uri.path() {
        "/echo" => echo(&parts.headers),
        "/bomb" => ([(header::CONTENT_ENCODING, "gzip")], bomb().await).into_response(),
        "/endless" => Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(CHUNK))).into_response(),
        "/drip" => Body::from_stream(drip()).into_response(),
        "/hold" => hold(&book).await,
        "/limited" => StatusCode::TOO_MANY_REQUESTS.into_response(),
        "/slowly" => {
            tokio::time::sleep(SLOWLY).await;
            "done".into_response()
        }
        path => match path.strip_prefix("/redirect/") {
            Some(status) => redirect(status, &book.elsewhere.lock().unwrap()),
            None => "{}".into_response(),
        },
    }
}

/// What `/endless` repeats.
const CHUNK: Bytes = Bytes::from_static(&[b'x'; 16 << 10]);

/// Repeats every header that arrived, in all the ways in which servers do.
fn echo(sent: &HeaderMap) -> Response {
    let mut body = String::new();
    let mut answer = HeaderMap::new();
    for (name, value) in sent {
        let text = value.to_str().unwrap();
        let percent = utf8_percent_encode(text, NON_ALPHANUMERIC);
        let (plain, url) = (STANDARD.encode(text), URL_SAFE_NO_PAD.encode(format!("you sent {text}")));
        let both = utf8_percent_encode(&plain, NON_ALPHANUMERIC).to_string();
        let markup = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let json = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        body.push_str(&format!("{name}: {text}\n{percent}\n{plain}\n{url}\n{both}\n{markup}\n\"{json}\"\n"));
        for form in [text.to_owned(), percent.to_string(), plain.clone(), url, both] {
            answer.append("link", form.parse().unwrap());
            answer.append("x-request-id", form.parse().unwrap());
        }
    }
    (StatusCode::BAD_REQUEST, answer, body).into_response()
}

fn redirect(status: &str, elsewhere: &str) -> Response {
    let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
    (status, [(header::LOCATION, elsewhere.to_owned())]).into_response()
}

async fn bomb() -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    let zeros = vec![0; 1 << 20];
    for _ in 0..BOMB_BYTES / zeros.len() {
        encoder.write_all(&zeros).await.unwrap();
    }
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// One byte at a time, for ever.
fn drip() -> impl futures_util::Stream<Item = Result<&'static [u8], std::io::Error>> {
    stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok(b"x".as_slice()), ()))
    })
}

async fn hold(book: &Book) -> Response {
    /// Counts down when the client goes away, which drops the handler.
    struct Held<'a>(&'a Book);
    impl Drop for Held<'_> {
        fn drop(&mut self) {
            self.0.held.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let held = book.held.fetch_add(1, Ordering::SeqCst) + 1;
    let _held = Held(book);
    book.most_held.fetch_max(held, Ordering::SeqCst);
    book.arrived.notify_one();
    std::future::pending().await
}
