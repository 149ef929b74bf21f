//! Guests that look for what they must not know.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
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

/// No form of the secret is in here, nor a part of one that would be of use.
fn tells_nothing(text: &str) {
    for form in [
        SECRET.to_owned(),
        SECRET[..12].to_owned(),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        STANDARD.encode(SECRET)[..16].to_owned(),
        STANDARD.encode(format!("any:{SECRET}"))[8..24].to_owned(),
        STANDARD.encode(format!("Bearer {SECRET}"))[12..28].to_owned(),
        URL_SAFE_NO_PAD.encode(format!("you sent {SECRET}"))[12..28].to_owned(),
        URL_SAFE_NO_PAD.encode(format!("you sent Bearer {SECRET}"))[24..40].to_owned(),
    ] {
        assert!(!text.contains(&form), "{form} is in {text}");
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
        // The provider did get it.
        let sent = format!("{:?}", stage.provider.seen()[0].headers);
        assert!(sent.contains(SECRET) || sent.contains(&STANDARD.encode(format!("any:{SECRET}"))), "{sent}");
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
