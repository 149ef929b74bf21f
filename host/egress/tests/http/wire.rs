//! What goes over the wire and what does not, against a real server on loopback.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    Answer, FixedResolver, KEY, Server, account, account_config, budget, config, credential, get, http, ok, origin,
    post, template,
};
use postroom_egress::{
    AccountConfig, AccountEgress, JobBudget, JobLimits, OriginInputs, SendError, SlotKind, Timeouts, Transport,
    TransportOptions, Urgency, WireState,
};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_request_arrives_as_described_with_the_credential_added() {
    let server = Server::always(Answer::Keep(http(
        201,
        &[("Content-Type", "application/json"), ("Set-Cookie", "a=b"), ("X-RateLimit-Remaining", "9"), ("Server", "x")],
        "{}",
    )))
    .await;
    let mut request = post("/3.0/lists/a%20b", "{\"a\":1}");
    request.query = vec![("skip".to_owned(), "x y".to_owned())];
    request.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let budget = budget();
    let response = account(&server).send(request, &budget).await.unwrap();

    assert_eq!((response.status, response.body.as_slice(), response.attempts), (201, b"{}".as_slice(), 1));
    let mut headers = response.headers;
    headers.sort();
    let wanted = [("content-type", "application/json"), ("x-ratelimit-remaining", "9")];
    assert_eq!(headers, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /3.0/lists/a%20b?skip=x%20y HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.body, b"{\"a\":1}");
    assert_eq!(seen.header("authorization").unwrap(), "Basic YW55OjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmLXVzNg==");
    assert_eq!(seen.header("accept-encoding").unwrap(), "gzip");
    assert_eq!(seen.header("content-length").unwrap(), "7");
    assert_eq!(seen.header("host").unwrap(), server.address.to_string());
    assert!(seen.header("user-agent").unwrap().starts_with("postroom/"));
    assert_eq!(seen.header("transfer-encoding"), None);

    let facts = budget.facts();
    assert_eq!((facts.requests, facts.bytes_down, facts.last), (1, 2, WireState::Answered(201)));
    assert_eq!((facts.unanswered, facts.unanswered_unsafe, facts.writes_answered), (0, 0, 1));
    assert!(facts.bytes_up > 7);
}

#[tokio::test]
async fn a_post_without_a_body_says_so() {
    let server = Server::always(ok("")).await;
    let request = postroom_egress::Request { body: None, ..post("/actions/start", "") };
    account(&server).send(request, &budget()).await.unwrap();
    // Common servers answer 411 to a POST without a length.
    assert_eq!(server.seen().remove(0).header("content-length"), Some("0"));
}

#[tokio::test]
async fn redirects_are_answers() {
    let elsewhere = Server::always(ok("stolen")).await;
    let target = format!("{}/steal", elsewhere.url());
    for status in [301, 302, 303, 307, 308] {
        let server = Server::always(Answer::Keep(http(status, &[("Location", &target)], ""))).await;
        let response = account(&server).send(post("/x", "{}"), &budget()).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.headers, [("location".to_owned(), target.clone())]);
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_credential_goes_to_its_own_origin_only() {
    let (first, second) = (Server::always(ok("")).await, Server::always(ok("")).await);
    let egress = AccountEgress::new(AccountConfig {
        credentials: vec![
            credential("first", SlotKind::Bearer, "first-secret-value"),
            credential("second", SlotKind::Header { name: "X-Api-Key".to_owned() }, "second-secret-value"),
        ],
        ..config(vec![
            origin("first", &first.url()),
            origin("second", &second.url()),
            // The same server under a label without a credential.
            origin("bare", &first.url()),
        ])
    })
    .unwrap();
    let budget = budget();
    for label in ["first", "second", "bare"] {
        let request = postroom_egress::Request { origin: label.to_owned(), ..get("/x") };
        egress.send(request, &budget).await.unwrap();
    }
    let heads: Vec<String> = first.seen().into_iter().map(|seen| seen.head).collect();
    assert!(heads[0].contains("authorization: Bearer first-secret-value\r\n"));
    assert!(!heads[0].contains("second-secret"));
    assert!(!heads[1].contains("secret"), "{}", heads[1]);
    let seen = second.seen().remove(0);
    assert_eq!(seen.header("x-api-key").unwrap(), "second-secret-value");
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn an_echo_is_scrubbed() {
    let server = Server::start(|_, seen| {
        let cookie = seen.header("authorization").unwrap().to_owned();
        Answer::Keep(http(400, &[("X-Request-Id", &cookie), ("Link", KEY)], format!("{} and {KEY}!", seen.head)))
    })
    .await;
    let response = account(&server).send(get("/x"), &budget()).await.unwrap();
    let body = String::from_utf8(response.body).unwrap();
    assert!(body.contains("authorization: Basic [redacted]") && body.ends_with("and [redacted]!"), "{body}");
    let shown = format!("{body}{:?}", response.headers);
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("YW55OjAx"), "{shown}");
    assert!(account(&server).redact_text(&format!("key {KEY}")).ends_with("key [redacted]"));
}

#[tokio::test]
async fn unknown_origins_and_owned_headers_are_denied_without_a_byte() {
    let server = Server::always(ok("")).await;
    let egress = account(&server);
    let budget = budget();
    let unknown = postroom_egress::Request { origin: "other".to_owned(), ..get("/x") };
    assert!(matches!(egress.send(unknown, &budget).await, Err(SendError::Denied(_))));
    let mut request = get("/x");
    request.headers = vec![("Authorization".to_owned(), "Bearer mine".to_owned())];
    assert!(matches!(egress.send(request, &budget).await, Err(SendError::Denied(_))));
    assert!(matches!(egress.send(get("//evil.example/x"), &budget).await, Err(SendError::InvalidRequest(_))));
    assert_eq!((server.connections(), budget.facts().requests), (0, 0));
    assert_eq!(budget.facts().last, WireState::Unsent);
}

fn named(resolver: FixedResolver, url: &str, insecure: bool) -> AccountEgress {
    let origin = template("api", "https://api.example.com")
        .resolve(&OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure })
        .unwrap();
    let transport = Transport::new(TransportOptions { resolver: Arc::new(resolver), ..TransportOptions::default() });
    AccountEgress::new(AccountConfig { transport, ..config(vec![origin]) }).unwrap()
}

#[tokio::test]
async fn a_name_that_leads_to_loopback_is_denied() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://rebind.example.com:{}", listener.local_addr().unwrap().port());
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"] {
        let budget = budget();
        let egress = named(FixedResolver(vec![address.parse().unwrap()]), &url, false);
        let error = egress.send(get("/x"), &budget).await.unwrap_err();
        let SendError::Denied(text) = error else { panic!("{address}: {error:?}") };
        assert!(!text.contains(address) && !text.contains("rebind"), "{text}");
        assert_eq!(budget.facts().last, WireState::Unsent);
        assert_eq!(budget.facts().unanswered, 0);
    }
}

#[tokio::test]
async fn metadata_is_denied_even_with_insecure_origin() {
    let egress = named(FixedResolver(vec!["169.254.169.254".parse().unwrap()]), "http://meta.example.com", true);
    assert!(matches!(egress.send(get("/x"), &budget()).await, Err(SendError::Denied(_))));
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_connected_to() {
    let server = Server::always(ok("here")).await;
    let url = format!("http://mixed.example.com:{}", server.address.port());
    let addresses = ["169.254.169.254", "127.0.0.1"].map(|text| text.parse().unwrap()).to_vec();
    let response = named(FixedResolver(addresses), &url, true).send(get("/x"), &budget()).await.unwrap();
    assert_eq!(response.body, b"here");
    assert_eq!(server.seen().remove(0).header("host").unwrap(), format!("mixed.example.com:{}", server.address.port()));
}

#[tokio::test]
async fn a_refused_connection_is_retried_and_then_said() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let budget = budget();
    let egress = AccountEgress::new(config(vec![origin("api", &url)])).unwrap();
    let error = egress.send(post("/x", "{}"), &budget).await.unwrap_err();
    assert_eq!(
        error,
        SendError::ConnectFailed("Origin `api` cannot be reached: it refused the connection.".to_owned())
    );
    let facts = budget.facts();
    assert_eq!((facts.requests, facts.last, facts.unanswered), (3, WireState::Unsent, 0));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_said() {
    let egress = named(FixedResolver(Vec::new()), "https://gone.example.com", false);
    let error = egress.send(get("/x"), &budget()).await.unwrap_err();
    assert_eq!(
        error,
        SendError::ConnectFailed("Origin `api` cannot be reached: its host name was not found.".to_owned())
    );
}

#[tokio::test]
async fn connections_are_kept() {
    let server = Server::always(ok("{}")).await;
    let egress = account(&server);
    let budget = budget();
    for _ in 0..20 {
        egress.send(post("/x", "{}"), &budget).await.unwrap();
    }
    assert_eq!((server.connections(), server.seen().len()), (1, 20));
}

#[tokio::test]
async fn a_connection_outlives_the_threads_that_asked_for_it() {
    let server = Server::always(ok("")).await;
    let account = Arc::new(account(&server));
    let elsewhere = Arc::clone(&account);
    let ask = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { elsewhere.send(get("/"), &budget()).await }).unwrap();
    };
    tokio::task::spawn_blocking(ask).await.unwrap();
    account.send(get("/"), &budget()).await.unwrap();
    assert_eq!((server.connections(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn bare_403_and_503_return_to_the_run() {
    for status in [403, 503] {
        let server = Server::always(Answer::Keep(http(status, &[("Retry-After", "0")], "busy"))).await;
        let response = account(&server).send(get("/x"), &budget()).await.unwrap();
        assert_eq!((response.status, response.headers.len(), server.seen().len()), (status, 1, 1));
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_the_cautious_answer() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let egress = account(&server);
    let budget = budget();
    tokio::select! {
        _ = egress.send(post("/x", "{}"), &budget) => panic!("nothing answers"),
        () = async { while server.seen().is_empty() { tokio::task::yield_now().await } } => {}
    }
    let facts = budget.facts();
    assert_eq!((facts.last, facts.unanswered, facts.unanswered_unsafe), (WireState::Unanswered, 1, 1));
}

#[tokio::test]
async fn the_jobs_allowance_is_kept() {
    let server = Server::always(ok("0123456789")).await;
    let egress = account(&server);
    let limited = |limits: JobLimits| JobBudget::new(limits, Urgency::Bulk);

    let budget = limited(JobLimits { requests: 2, ..JobLimits::default() });
    for _ in 0..2 {
        egress.send(get("/x"), &budget).await.unwrap();
    }
    assert!(matches!(egress.send(get("/x"), &budget).await, Err(SendError::BudgetSpent(_))));
    assert_eq!(server.seen().len(), 2);

    let budget = limited(JobLimits { bytes_up: 100, ..JobLimits::default() });
    let error = egress.send(post("/x", &"x".repeat(100)), &budget).await;
    assert!(matches!(error, Err(SendError::BudgetSpent(_))));
    assert_eq!(server.seen().len(), 2);

    let budget = limited(JobLimits { bytes_down: 15, ..JobLimits::default() });
    egress.send(get("/x"), &budget).await.unwrap();
    assert_eq!(egress.send(get("/x"), &budget).await, Err(SendError::ResponseTooLarge { limit: 15 }));
    assert!(matches!(egress.send(get("/x"), &budget).await, Err(SendError::BudgetSpent(_))));
    assert_eq!(server.seen().len(), 4);

    let budget = limited(JobLimits { time: Duration::ZERO, ..JobLimits::default() });
    assert!(matches!(egress.send(get("/x"), &budget).await, Err(SendError::BudgetSpent(_))));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_job_without_time_left_gets_no_answer() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let egress = account(&server);
    let limits = JobLimits { time: Duration::from_millis(200), ..JobLimits::default() };
    let budget = JobBudget::new(limits, Urgency::Bulk);
    assert_eq!(egress.send(post("/x", "{}"), &budget).await, Err(SendError::TimedOut));
    assert_eq!((budget.facts().last, budget.facts().unanswered), (WireState::Unanswered, 1));
    assert!(matches!(egress.send(get("/x"), &budget).await, Err(SendError::BudgetSpent(_))));
}

#[tokio::test]
async fn a_provider_that_never_answers_times_out() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let mut settings = account_config(&server);
    settings.timeouts = Timeouts { total: Duration::from_millis(300), ..settings.timeouts };
    let budget = budget();
    let egress = AccountEgress::new(settings).unwrap();
    assert_eq!(egress.send(get("/x"), &budget).await, Err(SendError::TimedOut));
    assert_eq!((budget.facts().unanswered, budget.facts().unanswered_unsafe), (1, 0));
    assert_eq!(server.seen().len(), 1, "a timeout is not repeated");
}

#[test]
fn bad_accounts_are_refused() {
    let one = || vec![origin("api", "http://127.0.0.1:1")];
    let two_labels = config([one(), one()].concat());
    let foreign = AccountConfig { credentials: vec![credential("other", SlotKind::Bearer, KEY)], ..config(one()) };
    let basic = SlotKind::Basic { username: "any".to_owned() };
    let both = AccountConfig {
        credentials: vec![credential("api", SlotKind::Bearer, KEY), credential("api", basic, KEY)],
        ..config(one())
    };
    for bad in [two_labels, foreign, both] {
        let message = AccountEgress::new(bad).unwrap_err().to_string();
        assert!(message.ends_with('.') && !message.contains(KEY), "{message}");
    }
}
