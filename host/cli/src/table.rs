//! Tables for people, as text.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use postroom_runtime::is_invisible;

/// A table without lines: a head and rows, columns by spaces.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = plain();
    table.set_header(head);
    table.add_rows(rows.into_iter().map(|row| row.map(|text| visible(&text))));
    lines(&table)
}

/// Rows of a name and what belongs to it, without a head.
pub(crate) fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = plain();
    table.add_rows(rows.into_iter().map(|(name, value)| [name.to_owned(), visible(&value)]));
    lines(&table)
}

/// Rows of a name, a number and what it means.
pub(crate) fn numbers<'a>(rows: impl IntoIterator<Item = (&'a str, u64, &'a str)>) -> String {
    let mut table = plain();
    table.add_rows(
        rows.into_iter().map(|(name, number, meaning)| [name.to_owned(), grouped(number), meaning.to_owned()]),
    );
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    lines(&table)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width() == Some(0) {
        // A terminal that does not know its width is not one of no width.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

fn lines(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A text from outside without what would command a terminal or deceive a reader's eye.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|character| if is_invisible(character) { '·' } else { character }).collect()
}

/// A number in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 contact`, `2 contacts`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A moment as people read it, in universal time.
pub(crate) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 12, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(2_000, "entry", "entries"), "2,000 entries");
    }

    #[test]
    fn a_name_from_outside_commands_no_terminal() {
        let shown = table(["name"], [["a\u{1b}[2Jb\nc \u{202e}moc.elpmaxe".to_owned()]]);
        assert!(shown.contains("a·[2Jb·c ·moc.elpmaxe"), "{shown:?}");
    }
}
