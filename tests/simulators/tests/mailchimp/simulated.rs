//! A started simulator and the calls that tests make to it.

use std::sync::Once;

use postroom_simulators::mailchimp::{self, Config, Running};
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// The audience of the default configuration.
pub(crate) const LIST: &str = "ab12cd34ef";

static TLS: Once = Once::new();

/// An answer of either port.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// JSON when it parses, otherwise the text.
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Asserts a problem with this status and title and returns it.
    pub(crate) fn problem(self, status: u16, title: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.body["title"], title);
        assert_eq!(self.headers["content-type"], "application/problem+json; charset=utf-8");
        self.body
    }
}

pub(crate) struct Simulated {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

pub(crate) fn client() -> Client {
    // The client refuses to be built without a TLS provider, although nothing here speaks TLS.
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
    });
    Client::builder().no_proxy().build().unwrap()
}

impl Simulated {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self { running: mailchimp::start(config).await.unwrap(), client: client() }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        url: String,
        authorization: Option<&str>,
        body: Option<Value>,
    ) -> Result<Reply, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, url);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        Ok(Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/3.0{path}", self.running.base_url)
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.running.api_key)
    }

    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, reqwest::Error> {
        self.send(method, self.url(path), Some(&self.bearer()), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.try_call("GET", path, None).await.unwrap()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.try_call(method, path, Some(body)).await.unwrap()
    }

    /// A path below the default audience.
    pub(crate) async fn list_call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.call(method, &format!("/lists/{LIST}{path}"), body).await
    }

    pub(crate) async fn list_get(&self, path: &str) -> Reply {
        self.get(&format!("/lists/{LIST}{path}")).await
    }

    pub(crate) async fn bulk(&self, query: &str, body: Value) -> Value {
        self.call("POST", &format!("/lists/{LIST}{query}"), body).await.expect(200)
    }

    /// A member through the provider port, subscribed.
    pub(crate) async fn subscribe(&self, email: &str) {
        let body = json!({"email_address": email, "status": "subscribed"});
        self.list_call("POST", "/members", body).await.expect(200);
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let url = format!("{}{path}", self.running.control_url);
        self.send(method, url, None, body).await.unwrap()
    }

    pub(crate) async fn act(&self, act: &str, email: &str) {
        let body = json!({"act": act, "audience": LIST, "email": email});
        self.control("POST", "/act", Some(body)).await.expect(200);
    }

    pub(crate) async fn seed_members(&self, members: Value) {
        let body = json!({"audiences": [{"id": LIST, "members": members}]});
        self.control("POST", "/seed", Some(body)).await.expect(200);
    }

    pub(crate) async fn switch(&self, name: &str, value: impl Into<Value>) {
        let body = json!({name: value.into()});
        self.control("PUT", "/switches", Some(body)).await.expect(200);
    }

    pub(crate) async fn fault(&self, rules: Value) {
        self.control("PUT", "/faults", Some(rules)).await.expect(200);
    }

    pub(crate) async fn clock(&self, now: &str) {
        self.control("PUT", "/clock", Some(json!({"now": now}))).await.expect(200);
    }

    /// A member as the control port shows it; null when there is none.
    pub(crate) async fn member(&self, email: &str) -> Value {
        let path = format!("/state?audience={LIST}&email={email}");
        let state = self.control("GET", &path, None).await.expect(200);
        state["audiences"][0]["members"][0].clone()
    }

    pub(crate) async fn book(&self, query: &str) -> Vec<Value> {
        let book = self.control("GET", &format!("/requests{query}"), None).await;
        book.expect(200)["requests"].as_array().unwrap().clone()
    }
}

/// The given key of every item, sorted.
pub(crate) fn sorted(items: &Value, key: &str) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    let mut found: Vec<String> = items.map(|item| item[key].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}
