//! Guests whose texts would run in a browser, repaint a terminal, or read backwards.

use postroom_runtime::contract::{
    AccountInfo, ActOutcome, ErrorDetail, Extras, ItemOutcome, ProviderError, RemoteStatus, TagOutcome, TemplateOutcome,
};
use postroom_runtime::{CallError, JobReport, LoadError};
use postroom_sandbox_tests::guests;

use crate::stage::{Stage, failure, load, malformed};

/// The longest text of an answer, with the mark of its cut.
const LONGEST: usize = 1_024 + '…'.len_utf8();

/// Fit to stand on one line of a terminal: no character that moves, hides or turns another, and no
/// more of it than a line bears. Markup is text here like any other.
fn is_tame(text: &str) {
    assert!(!text.is_empty());
    assert!(text.len() <= LONGEST, "{} bytes", text.len());
    let wild = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{e0000}'..='\u{e007f}')
    };
    assert!(!text.chars().any(wild), "{text:?}");
    assert!(text.starts_with("<script>alert(1)</script>[2J]0;t"), "{text:?}");
}

fn all_are_tame(extras: &Extras) {
    assert_eq!(extras.len(), 1);
    for (name, value) in extras {
        is_tame(name);
        is_tame(value);
    }
}

fn is_told_tamely(status: Option<&RemoteStatus>) {
    let Some(RemoteStatus::Other(word)) = status else { panic!("{status:?}") };
    is_tame(word);
}

fn stopped_tamely(stopped: Option<&ProviderError>) {
    let ErrorDetail { code, message } = stopped.unwrap().detail();
    is_tame(code);
    is_tame(message);
}

pub(crate) async fn a_description_that_is_not_plain_is_refused() {
    let Err(LoadError::Description { problem }) = load(guests::loud_description()).await else { panic!("it loads") };
    assert!(problem.contains("holds a line break or another control character"), "{problem}");
    assert!(!problem.chars().any(|c| c.is_control() || c == '\u{202e}'), "{problem:?}");
    let Err(LoadError::Description { problem }) = load(guests::giant_description()).await else { panic!("it loads") };
    assert!(problem.contains("is longer than 1024 bytes") && problem.len() < 300, "{problem}");
}

pub(crate) async fn every_text_of_every_answer_is_cut_and_tamed() {
    let stage = Stage::of(guests::loud_texts()).await;
    let checked: JobReport<AccountInfo> = stage.check().await;
    let info = checked.result.unwrap();
    is_tame(&info.name);
    all_are_tame(&info.facts);

    for item in &stage.push("texts").await.result.unwrap().items {
        match &item.outcome {
            ItemOutcome::Skipped(text) | ItemOutcome::Other(text) => is_tame(text),
            ItemOutcome::Rejected(rejection) => {
                is_tame(rejection.field.as_ref().unwrap());
                is_tame(&rejection.message);
            }
            ItemOutcome::ConsentBlocked(block) => is_tame(&block.message),
            other => panic!("{other:?}"),
        }
        is_told_tamely(item.status.as_ref());
        is_tame(&item.left_out[0].field);
        is_tame(&item.left_out[0].reason);
        is_tame(&item.warnings[0]);
        all_are_tame(&item.extras);
    }

    let tags = stage.tags("").await.result.unwrap();
    let TagOutcome::Refused(reason) = &tags.items[0].outcome else { panic!("{tags:?}") };
    is_tame(reason);
    is_told_tamely(tags.items[0].status.as_ref());
    is_tame(&tags.warnings[0]);
    stopped_tamely(tags.stopped.as_ref());

    let acts = stage.acts("").await.result.unwrap();
    let ActOutcome::Failed(reason) = &acts.items[0].outcome else { panic!("{acts:?}") };
    is_tame(reason);
    is_told_tamely(acts.items[0].status.as_ref());
    stopped_tamely(acts.stopped.as_ref());

    let sent = stage.send("").await.result.unwrap();
    for item in &sent.items {
        match &item.outcome {
            TemplateOutcome::Refused(reason) | TemplateOutcome::NotDone(reason) | TemplateOutcome::Unclear(reason) => {
                is_tame(reason);
            }
            TemplateOutcome::Accepted(_) => panic!("{item:?}"),
        }
    }
    stopped_tamely(sent.stopped.as_ref());
    let templates = stage.plugin.list_templates(stage.job()).await.result.unwrap();
    is_tame(&templates[0].name);
    all_are_tame(&templates[0].extras);

    let audiences = stage.plugin.list_audiences(stage.job()).await.result.unwrap();
    is_tame(&audiences[0].name);
    all_are_tame(&audiences[0].extras);
    let fields = stage.plugin.list_fields(stage.job(), "").await.result.unwrap();
    is_tame(&fields[0].label);
    all_are_tame(&fields[0].extras);
}

pub(crate) async fn an_error_is_told_in_one_tame_sentence() {
    let stage = Stage::of(guests::loud_texts()).await;
    let report = stage.prepare("").await;
    let CallError::Provider(error) = failure(&report) else { panic!("{report:?}") };
    stopped_tamely(Some(error));
    let sentence = failure(&report).to_string();
    assert!(sentence.starts_with("The provider no longer accepts the account's credentials: <script>"), "{sentence}");
    assert!(!sentence.contains(['\x1b', '\n', '\u{202e}']) && sentence.len() < 3 * LONGEST);
}

pub(crate) async fn an_id_that_is_not_plain_spoils_the_answer() {
    let stage = Stage::of(guests::loud_texts()).await;
    assert!(malformed(&stage.push("id").await).contains("A member's id holds a control character"));
    assert!(malformed(&stage.push("token").await).contains("A token holds a control character"));
    assert!(malformed(&stage.send("id").await).contains("The id of a message holds a control character"));
    let named = stage.plugin.list_fields(stage.job(), "name").await;
    assert!(malformed(&named).contains("The name of a field holds a control character"));
    let chosen = stage.plugin.list_fields(stage.job(), "choice").await;
    assert!(malformed(&chosen).contains("A choice of a field holds a control character"));
}
