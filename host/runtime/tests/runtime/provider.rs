//! A provider on this machine: an HTTP server with the few answers the guests need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use tokio::sync::Notify;

/// A running server; it ends with the test's runtime.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    book: Arc<Book>,
}

#[derive(Default)]
struct Book {
    members: AtomicU32,
    slow_arrived: Notify,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let book = Arc::new(Book::default());
        let routes = Router::new()
            .route("/account", get(|| async { "Acme" }))
            .route("/members", post(members))
            .route("/echo", post(echo))
            .route("/slow", post(slow))
            .with_state(Arc::clone(&book));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, book }
    }

    /// How many requests wrote members.
    pub(crate) fn writes(&self) -> u32 {
        self.book.members.load(Ordering::SeqCst)
    }

    /// Waits until a request that is never answered has arrived.
    pub(crate) async fn slow_request_arrived(&self) {
        self.book.slow_arrived.notified().await;
    }
}

async fn members(State(book): State<Arc<Book>>) -> &'static str {
    book.members.fetch_add(1, Ordering::SeqCst);
    "{}"
}

/// Answers with the credential that came along.
async fn echo(headers: HeaderMap) -> ([(&'static str, String); 1], String) {
    let sent = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    ([("x-request-id", sent.clone())], sent)
}

async fn slow(State(book): State<Arc<Book>>) {
    book.slow_arrived.notify_one();
    std::future::pending::<()>().await;
}
