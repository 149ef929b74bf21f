//! Guests that look for what they must not know.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use percent_encoding::percent_decode;
use postroom_egress::SlotKind;
use postroom_runtime::CallError;
use postroom_sandbox_tests::guests;

use crate::provider::Provider;
use crate::stage::{SECRET, Stage, credential, fact, facts, failure, plugin};

/// Text out of the hexadecimal in which a guest hands on what it saw.
fn unhexed(hex: &[u8]) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
    let bytes: Vec<u8> =
        hex.chunks(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}

/// What markup and JSON make of the characters that mean something in markup.
const ESCAPES: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&")];

/// Every way in which a text can be read: as it is, percent-decoded, as markup or JSON, and each run
/// of base64 in it from each place at which it may begin.
fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let unescaped = ESCAPES
        .iter()
        .fold(String::from_utf8_lossy(text).into_owned(), |text, (escape, character)| text.replace(escape, character));
    let plain = [text.to_vec(), percent_decode(text).collect(), unescaped.into_bytes()];
    let decoded = plain.iter().flat_map(|text| {
        let runs = text.split(|byte| !(byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)));
        runs.flat_map(|run| (0..4).filter_map(|skipped| base64(run.get(skipped..)?)))
    });
    let decoded: Vec<_> = decoded.collect();
    plain.into_iter().chain(decoded).collect()
}

/// What a run of base64 says, of either alphabet, without the characters that are over at its end.
fn base64(run: &[u8]) -> Option<Vec<u8>> {
    let whole = run.get(..run.len() / 4 * 4)?;
    let standard: Vec<u8> = whole
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        })
        .collect();
    STANDARD_NO_PAD.decode(standard).ok()
}

/// Neither the secret nor a piece of it that would be of use is in here, however one reads it.
fn tells_nothing(text: &str) {
    for reading in readings(text.as_bytes()) {
        for piece in SECRET.as_bytes().windows(10) {
            let found = reading.windows(piece.len()).any(|bytes| bytes == piece);
            assert!(!found, "{} in {text}", String::from_utf8_lossy(&reading));
        }
    }
}

pub(crate) async fn an_echo_reaches_no_guest_in_any_form() {
    let kinds = [
        SlotKind::Bearer,
        SlotKind::Basic { username: "any".to_owned() },
        SlotKind::Header { name: "X-Api-Key".to_owned() },
    ];
    for kind in kinds {
        let plugin = plugin(guests::fetcher()).await;
        let stage = Stage::with(plugin, Provider::start().await, |config| {
            config.credentials = vec![credential(kind.clone())];
        });
        let report = stage.prepare("/echo").await;
        // What the guest saw, not what the host let out of it.
        let saw = unhexed(report.result.as_ref().unwrap());
        assert!(saw.starts_with("400 ") && saw.contains("[redacted]") && saw.contains("user-agent"), "{saw}");
        tells_nothing(&saw);
        // The provider did get it, and the reading above would have found it.
        let sent = format!("{:?}", stage.provider.seen()[0].headers);
        assert!(sent.contains(SECRET) || sent.contains(&STANDARD.encode(format!("any:{SECRET}"))), "{sent}");
        let found = readings(sent.as_bytes())
            .iter()
            .any(|read| read.windows(10).any(|bytes| bytes == &SECRET.as_bytes()[..10]));
        assert!(found, "{sent}");
    }
}

pub(crate) async fn nothing_that_a_program_can_look_at_holds_the_credential() {
    let stage = Stage::of(guests::credential_seeker()).await;
    let report = stage.check().await;
    assert_eq!(fact(&report, "mode"), "fast");
    assert_eq!((fact(&report, "variables"), fact(&report, "arguments")), ("[]", "[]"));
    assert_eq!(fact(&report, "input"), "Ok(0) \"\"");
    assert_eq!(facts(&report).len(), 5);
    tells_nothing(&format!("{report:?}"));
    stage.provider_saw_nothing();
}

pub(crate) async fn an_error_names_no_path_no_address_and_no_code_of_the_host() {
    let stage = Stage::with(plugin(guests::fetcher()).await, Provider::gone().await, |_| {});
    let report = stage.prepare("/account").await;
    let CallError::Provider(error) = failure(&report) else { panic!("{report:?}") };
    assert_eq!(error.detail().message, "unreachable Origin `api` cannot be reached: it refused the connection.");

    let stage = Stage::of(guests::crash()).await;
    for attempt in ["panic", "exit"] {
        let shown = format!("{:?}", stage.push(attempt).await);
        for telltale in [env!("CARGO_MANIFEST_DIR"), "/rustc/", ".cargo", "stack backtrace", "wasm_backtrace"] {
            assert!(!shown.contains(telltale), "{telltale} is in {shown}");
        }
    }
}

pub(crate) async fn nothing_of_one_call_is_there_in_the_next() {
    let stage = Stage::of(guests::state_smuggler()).await;
    for _ in 0..2 {
        assert!(stage.push("").await.result.is_ok());
        let report = stage.check().await;
        assert_eq!((fact(&report, "calls"), fact(&report, "seen"), fact(&report, "kept")), ("1", "", ""));
    }
}
