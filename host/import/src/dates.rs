//! Days and moments as files write them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

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

/// A date in the order that fields read. Dates that begin with the year, and what is no date, stay.
pub(crate) fn day_first(text: &str, order: DateOrder) -> Cow<'_, str> {
    match (order, numbers(text)) {
        (DateOrder::MonthFirst, Some((month, day, year))) => Cow::Owned(format!("{day}.{month}.{year}")),
        _ => Cow::Borrowed(text),
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
    }
}
