//! What is seen of the requests that are not safe to repeat.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::support::{Answer, Server, account, account_config, budget, config, get, http, ok, origin, post};
use postroom_egress::{AccountEgress, JobBudget, JobLimits, Request, Seen, Timeouts, Urgency};
use tokio::net::TcpListener;

/// What was seen of one such request.
async fn seen_of_one(server: &Server) -> Seen {
    let budget = budget();
    // What the call answers is shown elsewhere.
    let _ = account(server).send(post("/messages", "{}"), &budget).await;
    assert_eq!(server.seen().len(), 1, "it is made once");
    budget.facts().seen
}

#[tokio::test]
async fn every_answer_is_seen_as_it_is() {
    for status in [200, 302, 400, 401, 408, 409, 429, 500, 503] {
        let server = Server::always(Answer::Keep(http(status, &[], "{}"))).await;
        assert_eq!(seen_of_one(&server).await, Seen::Answered(status));
    }
}

#[tokio::test]
async fn a_refused_connection_was_never_written_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let budget = budget();
    let egress = AccountEgress::new(config(vec![origin("api", &url)])).unwrap();
    egress.send(post("/messages", "{}"), &budget).await.unwrap_err();
    assert_eq!(budget.facts().seen, Seen::NeverWritten);
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_leaves_no_answer() {
    let nothing = Server::always(Answer::Close(Vec::new())).await;
    assert_eq!(seen_of_one(&nothing).await, Seen::NoAnswer);
    // The head says that it was done, and who knows what the rest would have said.
    let half = Server::always(Answer::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"id\"".to_vec())).await;
    assert_eq!(seen_of_one(&half).await, Seen::NoAnswer);
}

#[tokio::test]
async fn a_provider_that_takes_too_long_leaves_no_answer() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let mut settings = account_config(&server);
    settings.timeouts = Timeouts { total: Duration::from_millis(200), ..settings.timeouts };
    let budget = budget();
    AccountEgress::new(settings).unwrap().send(post("/messages", "{}"), &budget).await.unwrap_err();
    assert_eq!(budget.facts().seen, Seen::NoAnswer);
}

#[tokio::test]
async fn a_job_whose_time_ends_meanwhile_is_killed() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let limits = JobLimits { time: Duration::from_millis(200), ..JobLimits::default() };
    let budget = JobBudget::new(limits, Urgency::Bulk);
    account(&server).send(post("/messages", "{}"), &budget).await.unwrap_err();
    assert_eq!(budget.facts().seen, Seen::Killed);
}

#[tokio::test]
async fn a_call_that_is_dropped_meanwhile_is_killed() {
    let server = Server::always(Answer::Hang(Vec::new())).await;
    let egress = account(&server);
    let budget = budget();
    tokio::select! {
        _ = egress.send(post("/messages", "{}"), &budget) => panic!("nothing answers"),
        () = async { while server.seen().is_empty() { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(budget.facts().seen, Seen::Killed);
}

#[tokio::test]
async fn what_is_safe_to_repeat_is_not_looked_at() {
    let server = Server::always(Answer::Close(Vec::new())).await;
    let (egress, budget) = (account(&server), budget());
    egress.send(get("/account"), &budget).await.unwrap_err();
    egress.send(Request { safe_to_repeat: true, ..post("/contacts", "{}") }, &budget).await.unwrap_err();
    assert_eq!(budget.facts().seen, Seen::NoRequest);
}

#[tokio::test]
async fn a_request_that_was_never_made_is_none() {
    let server = Server::always(ok("")).await;
    let budget = JobBudget::new(JobLimits { requests: 0, ..JobLimits::default() }, Urgency::Bulk);
    account(&server).send(post("/messages", "{}"), &budget).await.unwrap_err();
    assert_eq!((budget.facts().seen, server.connections()), (Seen::NoRequest, 0));
}

#[tokio::test]
async fn of_several_the_most_doubtful_one_counts() {
    let server = Server::start(|number, _| match number {
        1 => Answer::Keep(http(503, &[], "")),
        3 => Answer::Close(Vec::new()),
        _ => ok("{}"),
    })
    .await;
    let (egress, budget) = (account(&server), budget());
    let mut seen = Vec::new();
    for _ in 0..5 {
        // Only the wire is looked at.
        let _ = egress.send(post("/messages", "{}"), &budget).await;
        seen.push(budget.facts().seen);
    }
    let wanted = [Seen::Answered(200), Seen::Answered(503), Seen::Answered(503), Seen::NoAnswer, Seen::NoAnswer];
    assert_eq!(seen, wanted);
}
