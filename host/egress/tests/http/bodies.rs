//! Bodies that are too large, too slow, cut off or not what they claim to be.

use std::time::Duration;

use crate::support::{Answer, KEY, Server, account, account_config, budget, get, http};
use async_compression::tokio::write::GzipEncoder;
use postroom_egress::{AccountEgress, AccountLimits, Response, SendError, Timeouts, WireState};
use tokio::io::AsyncWriteExt;

const LIMIT: u64 = 64 * 1024;

async fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(data).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// What a server that answers this way leads to, and what is known of the wire afterwards.
async fn sent(answer: Answer, timeouts: impl FnOnce(Timeouts) -> Timeouts) -> (Result<Response, SendError>, WireState) {
    let server = Server::always(answer).await;
    let mut settings = account_config(&server);
    settings.limits = AccountLimits { max_response_bytes: LIMIT, ..settings.limits };
    settings.timeouts = timeouts(settings.timeouts);
    let budget = budget();
    let result = AccountEgress::new(settings).unwrap().send(get("/x"), &budget).await;
    assert_eq!(server.seen().len(), 1, "nothing of this is repeated");
    (result, budget.facts().last)
}

async fn refused(answer: Answer) -> SendError {
    let (result, wire) = sent(answer, |timeouts| timeouts).await;
    assert_eq!(wire, WireState::Unanswered);
    result.unwrap_err()
}

async fn body_of(answer: Answer) -> Vec<u8> {
    let (result, wire) = sent(answer, |timeouts| timeouts).await;
    assert_eq!(wire, WireState::Answered(200));
    result.unwrap().body
}

#[tokio::test]
async fn gzip_is_decoded_and_scrubbed() {
    let packed = gzip(format!("{{\"key\":\"{KEY}\"}}").as_bytes()).await;
    let body = body_of(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], packed))).await;
    assert_eq!(body, b"{\"key\":\"[redacted]\"}");
}

#[tokio::test]
async fn gzip_in_several_members_is_one_body() {
    let packed = [gzip(b"one ").await, gzip(b"two").await].concat();
    assert_eq!(body_of(Answer::Keep(http(200, &[("Content-Encoding", "x-gzip")], packed))).await, b"one two");
}

#[tokio::test]
async fn an_empty_gzip_body_is_empty() {
    assert_eq!(body_of(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], ""))).await, b"");
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped() {
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]).await;
    assert!((bomb.len() as u64) < 2 * LIMIT);
    let bomb = &bomb[..60_000];
    let error = refused(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], bomb))).await;
    assert_eq!(error, SendError::ResponseTooLarge { limit: LIMIT });
}

#[tokio::test]
async fn a_body_that_just_fits_passes() {
    let data = vec![b'x'; usize::try_from(LIMIT).unwrap()];
    assert_eq!(body_of(Answer::Keep(http(200, &[], &data))).await, data);
    let packed = gzip(&data).await;
    assert_eq!(body_of(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], packed))).await, data);
}

#[tokio::test]
async fn a_large_body_is_stopped_announced_or_not() {
    let data = vec![b'x'; usize::try_from(LIMIT).unwrap() + 1];
    let error = refused(Answer::Keep(http(200, &[], &data))).await;
    assert_eq!(error, SendError::ResponseTooLarge { limit: LIMIT });
    let mut unannounced = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    unannounced.extend_from_slice(&data);
    let error = refused(Answer::Close(unannounced)).await;
    assert_eq!(error, SendError::ResponseTooLarge { limit: LIMIT });
    // A length that is never delivered reserves no memory and is refused before a byte is read.
    let lie = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec();
    assert_eq!(refused(Answer::Hang(lie)).await, SendError::ResponseTooLarge { limit: LIMIT });
}

#[tokio::test]
async fn a_truncated_body_is_interrupted() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    assert!(matches!(refused(Answer::Close(cut)).await, SendError::Interrupted(_)));
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec();
    assert!(matches!(refused(Answer::Close(chunked)).await, SendError::Interrupted(_)));
    let packed = gzip(b"a text that is long enough to be cut").await;
    let packed = &packed[..packed.len() - 12];
    let error = refused(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], packed))).await;
    assert!(matches!(error, SendError::Interrupted(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_interrupted() {
    for bytes in [b"".to_vec(), b"HTTP/1.1 200".to_vec(), b"garbage\r\n\r\n".to_vec()] {
        let error = refused(Answer::Close(bytes)).await;
        let SendError::Interrupted(text) = error else { panic!("{error:?}") };
        assert_eq!(text, "The connection to origin `api` ended before the answer was whole.");
    }
}

#[tokio::test]
async fn encodings_that_were_not_asked_for_are_refused() {
    for encoding in ["br", "deflate", "gzip, gzip", "zstd"] {
        let error = refused(Answer::Keep(http(200, &[("Content-Encoding", encoding)], "xxxx"))).await;
        assert!(matches!(error, SendError::BadResponse(_)), "{encoding}");
    }
    let error = refused(Answer::Keep(http(200, &[("Content-Encoding", "gzip")], "this is no gzip"))).await;
    assert!(matches!(error, SendError::BadResponse(_)), "{error:?}");
    assert_eq!(body_of(Answer::Keep(http(200, &[("Content-Encoding", "identity")], "plain"))).await, b"plain");
}

#[tokio::test]
async fn a_body_that_falls_silent_times_out() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let (result, wire) =
        sent(Answer::Hang(half), |timeouts| Timeouts { between_bytes: Duration::from_millis(100), ..timeouts }).await;
    assert_eq!((result, wire), (Err(SendError::TimedOut), WireState::Unanswered));
}

#[tokio::test]
async fn a_slow_drip_times_out_although_it_is_never_silent() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\nx".to_vec();
    let (result, wire) = sent(Answer::Drip(head), |timeouts| Timeouts {
        total: Duration::from_millis(300),
        between_bytes: Duration::from_millis(200),
        ..timeouts
    })
    .await;
    assert_eq!((result, wire), (Err(SendError::TimedOut), WireState::Unanswered));
}

#[tokio::test]
async fn a_clean_answer_after_a_bad_one_uses_a_new_connection() {
    let server = Server::start(|number, _| match number {
        0 => Answer::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nleft over".to_vec()),
        _ => crate::support::ok("clean"),
    })
    .await;
    let egress = account(&server);
    let budget = budget();
    assert!(egress.send(get("/x"), &budget).await.is_err());
    assert_eq!(egress.send(get("/x"), &budget).await.unwrap().body, b"clean");
    assert_eq!((budget.facts().last, budget.facts().unanswered), (WireState::Answered(200), 1));
}
