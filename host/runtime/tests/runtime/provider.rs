//! A provider on this machine: an HTTP server with the few answers the guests need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

/// A running server; it ends with the test's runtime.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    book: Arc<Book>,
}

#[derive(Default)]
struct Book {
    members: AtomicU32,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let book = Arc::new(Book::default());
        let routes = Router::new()
            .route("/account", get(|| async { "Acme" }))
            .route("/members", post(members))
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
}

async fn members(State(book): State<Arc<Book>>) -> &'static str {
    book.members.fetch_add(1, Ordering::SeqCst);
    "{}"
}
