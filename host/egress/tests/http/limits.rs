//! Concurrency, rate, 429 and `Retry-After`.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{
    Answer, Server, account, account_config, budget, concurrency, config, get, http, ok, origin, post,
};
use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, JobBudget, JobLimits, Request, Seen, SendError, Timeouts, Transport,
    TransportOptions, Urgency, WireState,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::time::Instant;

fn limited(headers: &[(&str, &str)]) -> Answer {
    Answer::Keep(http(429, headers, "slow down"))
}

#[tokio::test]
async fn a_429_is_repeated_until_it_is_answered() {
    let server = Server::start(|number, _| match number {
        0 => limited(&[]),
        1 => limited(&[("Retry-After", "0")]),
        _ => ok("done"),
    })
    .await;
    let budget = budget();
    let request = Request { safe_to_repeat: true, ..post("/x", "body") };
    let response = account(&server).send(request, &budget).await.unwrap();
    assert_eq!((response.status, response.attempts, response.body.as_slice()), (200, 3, b"done".as_slice()));
    let facts = budget.facts();
    assert_eq!((facts.requests, facts.last, facts.unanswered), (3, WireState::Answered(200), 0));
    assert_eq!((facts.writes_answered, facts.seen), (1, Seen::NoRequest));
    assert!(server.seen().iter().all(|seen| seen.body == b"body"));
    assert_eq!(server.connections(), 1, "the connection of a 429 is used again");
}

#[tokio::test]
async fn a_429_of_what_is_not_safe_to_repeat_comes_back_at_once() {
    let server = Server::always(limited(&[("Retry-After", "0")])).await;
    let budget = budget();
    let error = account(&server).send(post("/x", "body"), &budget).await.unwrap_err();
    assert_eq!(error, SendError::RateLimited { retry_after: Some(Duration::ZERO) });
    assert_eq!((server.seen().len(), budget.facts().seen), (1, Seen::Answered(429)));
}

#[tokio::test]
async fn a_429_that_does_not_end_is_said() {
    let server = Server::always(limited(&[])).await;
    let budget = budget();
    let error = account(&server).send(get("/x"), &budget).await.unwrap_err();
    assert_eq!(error, SendError::RateLimited { retry_after: None });
    let facts = budget.facts();
    assert_eq!((facts.requests, facts.last, facts.unanswered), (5, WireState::Answered(429), 0));
}

#[tokio::test]
async fn a_retry_after_beyond_the_budget_ends_the_call_and_holds_for_the_next() {
    let server = Server::always(limited(&[("Retry-After", "3600")])).await;
    let egress = account(&server);
    let begin = Instant::now();
    let error = egress.send(get("/x"), &budget()).await.unwrap_err();
    assert_eq!(error, SendError::RateLimited { retry_after: Some(Duration::from_secs(3600)) });

    // The provider asked the account, not the call: another one does not even connect.
    let second = budget();
    let error = egress.send(get("/y"), &second).await.unwrap_err();
    let SendError::RateLimited { retry_after: Some(left) } = error else { panic!("{error:?}") };
    assert!(left <= Duration::from_secs(3600) && left > Duration::from_secs(3000));
    assert_eq!((server.seen().len(), second.facts().requests), (1, 0));
    assert!(begin.elapsed() < Duration::from_secs(30), "nobody waited");
}

#[tokio::test]
async fn a_retry_after_longer_than_the_jobs_time_ends_the_call() {
    let server = Server::always(limited(&[("Retry-After", "5")])).await;
    let budget = JobBudget::new(JobLimits { time: Duration::from_secs(4), ..JobLimits::default() }, Urgency::Bulk);
    let error = account(&server).send(get("/x"), &budget).await.unwrap_err();
    assert_eq!(error, SendError::RateLimited { retry_after: Some(Duration::from_secs(5)) });
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_retry_after_within_the_budget_is_sat_out() {
    let server = Server::start(|number, _| match number {
        0 => limited(&[("Retry-After", "1")]),
        _ => ok("done"),
    })
    .await;
    let begin = Instant::now();
    let budget = budget();
    let response = account(&server).send(get("/x"), &budget).await.unwrap();
    assert_eq!((response.attempts, budget.facts().requests), (2, 2));
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

/// Runs `calls` at once and returns the most that the server had open together.
async fn most_together(settings: AccountConfig, server: &Held, calls: usize, urgency: Urgency) -> usize {
    let egress = AccountEgress::new(settings).unwrap();
    let tasks: Vec<_> = (0..calls)
        .map(|_| {
            let egress = egress.clone();
            tokio::spawn(async move {
                let budget = JobBudget::new(JobLimits::default(), urgency);
                egress.send(get("/x"), &budget).await.unwrap();
                budget.facts().waited
            })
        })
        .collect();
    let mut waited = Duration::ZERO;
    for task in tasks {
        waited += task.await.unwrap();
    }
    assert!(waited > Duration::ZERO, "waiting is measured");
    server.most()
}

/// A server that answers nothing before `together` requests are open, and remembers how many were.
/// With a limit that is too low the calls would never end, with one too high it remembers more.
struct Held {
    url: String,
    state: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    now: usize,
    most: usize,
}

impl Held {
    async fn start(together: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<Open>> = Arc::default();
        let barrier = Arc::new(Barrier::new(together));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hold(stream, Arc::clone(&shared), Arc::clone(&barrier)));
            }
        });
        Self { url, state }
    }

    fn most(&self) -> usize {
        self.state.lock().unwrap().most
    }

    fn settings(&self) -> AccountConfig {
        config(vec![origin("api", &self.url)])
    }
}

async fn hold(mut stream: TcpStream, state: Arc<Mutex<Open>>, barrier: Arc<Barrier>) {
    let mut buffer = vec![0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
        {
            let mut open = state.lock().unwrap();
            open.now += 1;
            open.most = open.most.max(open.now);
        }
        barrier.wait().await;
        state.lock().unwrap().now -= 1;
        if stream.write_all(&http(200, &[], "")).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accounts_concurrency_is_held_and_bulk_leaves_one_slot() {
    for (slots, urgency, together) in [(3, Urgency::Bulk, 2), (3, Urgency::Prompt, 3), (1, Urgency::Bulk, 1)] {
        let server = Held::start(together).await;
        let settings = AccountConfig { limits: concurrency(slots), ..server.settings() };
        assert_eq!(most_together(settings, &server, 12, urgency).await, together, "{slots} {urgency:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_has_a_limit_over_all_accounts() {
    let server = Held::start(2).await;
    let transport = Transport::new(TransportOptions { max_calls: 2, ..TransportOptions::default() });
    let settings = AccountConfig { transport, limits: concurrency(10), ..server.settings() };
    let (one, two) = tokio::join!(
        most_together(settings.clone(), &server, 6, Urgency::Bulk),
        most_together(settings, &server, 6, Urgency::Bulk)
    );
    assert_eq!(one.max(two), 2);
}

#[tokio::test]
async fn waiting_for_a_slot_is_bounded_and_not_charged() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let mut settings = account_config(&server);
    settings.limits = concurrency(1);
    settings.timeouts = Timeouts { limiter_wait: Duration::from_millis(100), ..settings.timeouts };
    let egress = AccountEgress::new(settings).unwrap();
    let holder = budget();
    let waiter = std::cell::OnceCell::new();
    tokio::select! {
        _ = egress.send(get("/x"), &holder) => panic!("nothing answers"),
        result = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            egress.send(get("/y"), waiter.get_or_init(budget)).await
        } => assert_eq!(result, Err(SendError::RateLimited { retry_after: None })),
    }
    let waiter = waiter.get().unwrap();
    let facts = waiter.facts();
    assert!(facts.waited >= Duration::from_millis(100));
    assert_eq!((facts.requests, facts.last), (0, WireState::Unsent));
    let left = JobLimits::default().time.saturating_sub(waiter.remaining());
    assert!(left < facts.waited, "the wait was charged: {left:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_rate_is_spread() {
    let server = Server::always(ok("")).await;
    let mut settings = account_config(&server);
    settings.limits = AccountLimits { requests_per_second: NonZeroU32::new(50), ..settings.limits };
    let egress = AccountEgress::new(settings).unwrap();
    let budget = budget();
    let begin = Instant::now();
    for _ in 0..6 {
        egress.send(get("/x"), &budget).await.unwrap();
    }
    assert!(begin.elapsed() >= Duration::from_millis(95), "{:?}", begin.elapsed());
    assert!(budget.facts().waited > Duration::ZERO);
}

#[tokio::test]
async fn a_rate_whose_wait_is_too_long_says_when_to_come_back() {
    let server = Server::always(ok("")).await;
    let mut settings = account_config(&server);
    settings.limits = AccountLimits { requests_per_second: NonZeroU32::new(1), ..settings.limits };
    settings.timeouts = Timeouts { limiter_wait: Duration::from_millis(1), ..settings.timeouts };
    let egress = AccountEgress::new(settings).unwrap();
    egress.send(get("/x"), &budget()).await.unwrap();
    let error = egress.send(get("/x"), &budget()).await.unwrap_err();
    let SendError::RateLimited { retry_after: Some(wait) } = error else { panic!("{error:?}") };
    assert!(wait <= Duration::from_secs(1));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_pause_holds_for_the_next_process_too() {
    let server = Server::always(limited(&[("Retry-After", "3600")])).await;
    let first = account(&server);
    first.send(get("/x"), &budget()).await.unwrap_err();
    let pauses = first.pauses();
    let [(origin, left)] = pauses.as_slice() else { panic!("{pauses:?}") };
    assert!(*left > Duration::from_secs(3000) && *left <= Duration::from_secs(3600));

    let next = account(&server);
    assert_eq!(next.pauses(), []);
    next.pause(origin, *left);
    assert!(matches!(next.send(get("/y"), &budget()).await, Err(SendError::RateLimited { .. })));
    assert_eq!(server.seen().len(), 1, "it did not even connect");
}
