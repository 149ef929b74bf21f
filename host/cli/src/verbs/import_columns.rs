//! Where the columns of a file would go, and what to type for those that go nowhere.

use std::path::Path;

use postroom_domain::field::FieldName;
use postroom_import::{NewField, Suggestion, ToldBy};
use postroom_service::import::ImportPreview;

use crate::shell;
use crate::table;

/// What stands for the name of a field where the column's own name gives none.
const UNNAMED: &str = "NAME";

/// The columns as a table, and below it what to type.
pub(super) fn page(answer: &ImportPreview, file: &Path) -> String {
    let rows = answer.suggestions.iter().map(|told| {
        let goes_to = told.place.as_ref().filter(|_| told.told_by != ToldBy::Nobody);
        let goes_to = goes_to.map_or("nowhere".to_owned(), ToString::to_string);
        [told.column.clone(), goes_to, told.reason.clone(), told.samples.join(", ")]
    });
    let mut text = table::table(["column", "goes to", "why", "values"], rows);
    if let Some(profile) = &answer.fitting_profile {
        let file = file.display().to_string();
        let line = shell::line(["postroom", "import", file.as_str(), "--profile", profile]);
        text.push_str(&format!(
            "\nThe saved import profile {} fits this file and was not used: `{line}` reads it so.\n",
            table::visible(profile)
        ));
    }
    let rules: Vec<String> = answer.suggestions.iter().filter_map(rule).collect();
    if !rules.is_empty() {
        text.push_str("\nColumns that look like something, and what to add if they are:\n");
        text.extend(rules.iter().map(|rule| format!("  {rule}\n")));
    }
    let fields: Vec<String> = answer.suggestions.iter().filter_map(field).collect();
    if !fields.is_empty() {
        text.push_str("\nColumns without a field are kept with their rows only. To have one that fits:\n");
        text.extend(fields.iter().map(|field| format!("  {field}\n")));
    }
    text
}

/// The option that sends a column to where it could go.
fn rule(told: &Suggestion) -> Option<String> {
    let rule = told.rule.as_ref()?;
    Some(table::visible(&shell::line(["--map", rule.as_str()])))
}

/// The command that makes a field for a column.
fn field(told: &Suggestion) -> Option<String> {
    let NewField { name, kind } = told.new_field.as_ref()?;
    let name = name.as_ref().map_or(UNNAMED, FieldName::as_str);
    let mut words = vec!["postroom", "field", "add", name, "--type", kind.as_str()];
    if told.column != name {
        words.extend(["--label", told.column.as_str()]);
    }
    Some(table::visible(&shell::line(words)))
}
