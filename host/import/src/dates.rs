//! Days and moments as files write them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How many columns a sentence names: enough to know the file by, few enough to read.
const NAMED_COLUMNS: usize = 5;

/// Which comes first in a date such as 04/05/2026. Nothing in such a date tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// The day, as nearly everywhere.
    #[default]
    DayFirst,
    /// The month, as in the United States.
    MonthFirst,
}

impl DateOrder {
    /// The order's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
        }
    }

    /// What comes first.
    fn first(self) -> &'static str {
        match self {
            Self::DayFirst => "day",
            Self::MonthFirst => "month",
        }
    }
}

/// What the dates of a column tell about their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DatesSeen {
    /// The name of the column.
    pub column: String,
    /// Dates that are another day when the month comes first.
    pub ambiguous: u64,
    /// Dates that are none unless the day comes first.
    pub day_first_only: u64,
    /// Dates that are none unless the month comes first.
    pub month_first_only: u64,
}

impl DatesSeen {
    /// Takes in a cell. What begins with the year, what is the same day either way, and what is no date
    /// tells nothing.
    pub(crate) fn note(&mut self, cell: &str) {
        let alone = || numbers(cell.split_once(['T', ' '])?.0);
        let Some((first, second, year)) = numbers(cell).or_else(alone) else { return };
        let is_day = |month, day| Date::new(year, month, day).is_ok();
        match (is_day(second, first), is_day(first, second)) {
            (true, true) if first != second => self.ambiguous += 1,
            (true, false) => self.day_first_only += 1,
            (false, true) => self.month_first_only += 1,
            _ => {}
        }
    }

    /// The order that it shows by dates that have only one.
    fn shows(&self) -> Option<DateOrder> {
        match (self.day_first_only, self.month_first_only) {
            (1.., 0) => Some(DateOrder::DayFirst),
            (0, 1..) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    }
}

/// How the dates of a file were read, and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatesRead {
    /// The order in which they were read.
    pub order: DateOrder,
    /// Whether the operator or the profile said so.
    pub is_said: bool,
    /// Dates that would be another day in the other order.
    pub ambiguous: u64,
    /// The order that the file shows: every column with such dates has others that are dates only in it.
    pub shown: Option<DateOrder>,
    /// The columns that have dates of either kind.
    pub columns: Vec<DatesSeen>,
}

impl DatesRead {
    /// Weighs what the columns of a file tell. `said` is the order that was asked for, if one was.
    #[must_use]
    pub fn new(said: Option<DateOrder>, columns: Vec<DatesSeen>) -> Self {
        let columns: Vec<DatesSeen> = columns
            .into_iter()
            .filter(|seen| seen.ambiguous + seen.day_first_only + seen.month_first_only > 0)
            .collect();
        let mut shown = columns.iter().filter(|seen| seen.ambiguous > 0).map(DatesSeen::shows);
        let first = shown.next().flatten();
        let shown = first.filter(|first| shown.all(|other| other == Some(*first)));
        Self {
            order: said.unwrap_or_default(),
            is_said: said.is_some(),
            ambiguous: columns.iter().map(|seen| seen.ambiguous).sum(),
            shown,
            columns,
        }
    }

    /// What the operator should know of it, as a sentence without its full stop; none where all is clear.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        if self.ambiguous == 0 {
            return None;
        }
        let (order, shown) = (self.order, self.shown.map(DateOrder::as_str));
        let (columns, theirs) = self.named();
        if self.is_said {
            let against = self.shown.filter(|shown| *shown != order)?;
            return Some(format!(
                "{columns} dates that are none unless the {} comes first, and the {} was said to come first: check \
                 it, and say `--dates {}` if the file is right",
                against.first(),
                order.first(),
                against.as_str()
            ));
        }
        let dates = if self.ambiguous == 1 { "1 date".to_owned() } else { format!("{} dates", self.ambiguous) };
        let read = format!(
            "{columns} {dates} that can be read with the day or with the month first, and the {} was taken to come first",
            order.first()
        );
        Some(match shown {
            Some(shown) if self.shown == Some(order) => {
                format!("{read}. Other dates {theirs} show that this is right: `--dates {shown}` says so")
            }
            Some(shown) => format!(
                "{read}. Other dates {theirs} are none unless the {} comes first: say `--dates {shown}`",
                self.shown.unwrap_or_default().first()
            ),
            None => format!(
                "{read}: say `--dates {}` if that is right, and `--dates {}` if it is not",
                DateOrder::DayFirst.as_str(),
                DateOrder::MonthFirst.as_str()
            ),
        })
    }

    /// The columns with ambiguous dates, as a subject with its verb, and what refers to them.
    fn named(&self) -> (String, &'static str) {
        let names: Vec<String> =
            self.columns.iter().filter(|seen| seen.ambiguous > 0).map(|seen| format!("`{}`", seen.column)).collect();
        match names.as_slice() {
            [one] => (format!("the column {one} has"), "of it"),
            many => {
                let shown = many.iter().take(NAMED_COLUMNS).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if many.len() > NAMED_COLUMNS { ", …" } else { "" };
                (format!("the columns {shown}{more} have"), "of each of them")
            }
        }
    }
}

/// A date in the order that fields read. Dates that begin with the year, and what is no date, stay.
pub(crate) fn day_first(text: &str, order: DateOrder) -> Cow<'_, str> {
    match (order, numbers(text)) {
        (DateOrder::MonthFirst, Some((month, day, year))) => Cow::Owned(format!("{day}.{month}.{year}")),
        _ => Cow::Borrowed(text),
    }
}

/// The same for a moment: its day is turned, and the time behind it stays.
pub(crate) fn day_first_moment(text: &str, order: DateOrder) -> Cow<'_, str> {
    match text.trim().split_once(' ') {
        Some((day, time)) if order == DateOrder::MonthFirst && numbers(day).is_some() => {
            Cow::Owned(format!("{} {time}", day_first(day, order)))
        }
        _ => day_first(text, order),
    }
}

/// Three numbers of which the last is a year.
fn numbers(text: &str) -> Option<(i8, i8, i16)> {
    let mut parts = text.trim().split(['.', '/', '-']).map(str::trim);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    Some((first.parse().ok()?, second.parse().ok()?, year.parse().ok()?))
}

/// A moment, such as `2026-11-22 13:45:00`, `2026-11-22T13:45:00+01:00` or `22.11.2026 13:45`. One
/// without a zone is of UTC: that is what the exports of providers mean.
pub(crate) fn moment(text: &str, order: DateOrder) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let date = match day.parse::<Date>() {
        Ok(date) => date,
        Err(_) => {
            let (first, second, year) = numbers(day)?;
            let (day, month) = if order == DateOrder::DayFirst { (first, second) } else { (second, first) };
            Date::new(year, month, day).ok()?
        }
    };
    let written = format!("{date}T{}", time.trim());
    let zoned = written.parse::<Timestamp>().ok();
    zoned.or_else(|| written.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_exports_write_them() {
        for (text, expected) in [
            ("2013-05-17 15:40:44", Some("2013-05-17T15:40:44Z")),
            ("2013-05-17T15:40:44+02:00", Some("2013-05-17T13:40:44Z")),
            ("2013-05-17", Some("2013-05-17T00:00:00Z")),
            ("17.5.2013 15:40", Some("2013-05-17T15:40:00Z")),
            ("05/17/2013 15:40", None),
            ("0000-00-00 00:00:00", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(moment(text, DateOrder::DayFirst), expected, "{text}");
        }
        assert_eq!(moment("05/17/2013 15:40", DateOrder::MonthFirst), moment("17.5.2013 15:40", DateOrder::DayFirst));
    }

    #[test]
    fn a_day_is_turned_only_where_the_month_is_said_to_come_first() {
        assert_eq!(day_first("04/05/2026", DateOrder::MonthFirst), "5.4.2026");
        assert_eq!(day_first("04/05/2026", DateOrder::DayFirst), "04/05/2026");
        for text in ["2026-04-05", "soon", "4/5", "4/5/26"] {
            assert_eq!(day_first(text, DateOrder::MonthFirst), text);
        }
        assert_eq!(day_first_moment("04/05/2026 13:45", DateOrder::MonthFirst), "5.4.2026 13:45");
        for text in ["2026-04-05 13:45", "04/05/2026", "soon after"] {
            assert_eq!(day_first_moment(text, DateOrder::MonthFirst), day_first(text, DateOrder::MonthFirst));
        }
    }

    fn seen(column: &str, cells: &[&str]) -> DatesSeen {
        let mut seen = DatesSeen { column: column.to_owned(), ..DatesSeen::default() };
        cells.iter().for_each(|cell| seen.note(cell));
        seen
    }

    #[test]
    fn a_date_is_counted_by_the_orders_in_which_it_is_one() {
        let cells = [
            "04/05/1980",
            "4. 5. 1980",
            "5/5/1980",
            "13.5.1980",
            "12/31/1980 10:00",
            "1980-05-04",
            "31/31/1980",
            "x",
            "",
        ];
        let seen = seen("Born", &cells);
        assert_eq!((seen.ambiguous, seen.day_first_only, seen.month_first_only), (2, 1, 1));
    }

    #[test]
    fn an_order_is_suggested_only_where_every_ambiguous_column_shows_it() {
        let read = |columns: &[DatesSeen], said| DatesRead::new(said, columns.to_vec());
        let (open, month) = (seen("Born", &["04/05/1980"]), seen("Stay", &["04/05/1980", "12/31/1980"]));
        let (day, both) =
            (seen("Left", &["04/05/1980", "31/12/1980"]), seen("Met", &["04/05/1980", "1/31/1980", "31/1/1980"]));
        for (columns, shown) in [
            (vec![month.clone()], Some(DateOrder::MonthFirst)),
            (vec![day.clone()], Some(DateOrder::DayFirst)),
            (vec![month.clone(), open.clone()], None),
            (vec![month.clone(), day.clone()], None),
            (vec![both], None),
            (vec![seen("Clear", &["31/12/1980"])], None),
            (vec![month.clone(), seen("Clear", &["31/12/1980"])], Some(DateOrder::MonthFirst)),
        ] {
            assert_eq!(read(&columns, None).shown, shown, "{columns:?}");
        }
        let remark = |columns: &[DatesSeen], said| read(columns, said).remark().unwrap_or_default();
        assert!(remark(std::slice::from_ref(&month), None).ends_with("say `--dates month-first`"));
        assert!(remark(std::slice::from_ref(&day), None).ends_with("`--dates day-first` says so"));
        let unclear = remark(&[open.clone(), month.clone()], None);
        assert!(unclear.starts_with("the columns `Born`, `Stay` have 2 dates"), "{unclear}");
        assert!(unclear.contains("--dates day-first") && unclear.contains("--dates month-first"), "{unclear}");
        assert!(remark(std::slice::from_ref(&month), Some(DateOrder::DayFirst)).contains("say `--dates month-first`"));
        for (columns, said) in
            [(vec![open], Some(DateOrder::DayFirst)), (vec![month], Some(DateOrder::MonthFirst)), (Vec::new(), None)]
        {
            assert_eq!(read(&columns, said).remark(), None);
        }
    }
}
