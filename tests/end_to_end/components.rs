//! Components for the tests: guests that are built once, and variants of one of them.

use crate::building::guest;

/// How the sheet of the guest `variant` begins, and how much room it has.
const TITLE: &[u8] = b"THE SHEET OF THE VARIANT\n";
const SHEET_BYTES: usize = 1024;

/// A plugin that says of itself what these lines say: `id=…`, `name=…`, `version=…`, `vendor=…`,
/// and once per further thing that it asks for `also=https://…` and `secret=…`.
pub(crate) fn variant(lines: &[&str]) -> Vec<u8> {
    let mut component = guest("variant");
    let titles = component.windows(TITLE.len()).enumerate().filter(|(_, bytes)| *bytes == TITLE);
    let sheets: Vec<usize> = titles.map(|(at, _)| at).filter(|at| is_empty_sheet(&component, *at)).collect();
    let [start] = sheets[..] else { panic!("{} sheets", sheets.len()) };
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert!(TITLE.len() + text.len() < SHEET_BYTES);
    component[start + TITLE.len()..][..text.len()].copy_from_slice(text.as_bytes());
    component
}

fn is_empty_sheet(component: &[u8], at: usize) -> bool {
    component.get(at + TITLE.len()..at + SHEET_BYTES).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}
