//! From a tree to one condition over `contacts c`.
//!
//! SQL has a third value, the domain has none: a comparison with nothing is null in SQL and false there.
//! Both mean that it does not hold, `AND` and `OR` keep that apart from true, and `not` is written
//! `IS NOT TRUE`, which makes a plain false of null. So a condition is true here exactly when it holds
//! there.

use jiff::Timestamp;
use jiff::civil::Date;
use postroom_domain::consent::ConsentState;
use postroom_domain::segment::{
    Bounds, Condition, Known, Literal, Moment, Operator, Shape, Subject, Test, Window, Written, check, number,
};
use postroom_store::StoreError;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::columns::micros;
use crate::failure::{Failure, Step};
use crate::limits::NARROW_ROWS;
use crate::member_rows::audiences_of;
use crate::{list_rows, purpose_rows};

use super::{expression, rows};

/// A condition as SQL, with its parameters in order.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
}

/// Refuses a condition that does not fit the workspace, with the place at fault.
pub(crate) fn require_fit(condition: &Condition, known: &Known) -> Step<Written> {
    let refusal = |fault: postroom_domain::segment::SegmentFault| StoreError::Refused(fault.to_string());
    let written = Written::of(condition).map_err(refusal)?;
    check(&written, known).map_err(refusal)?;
    Ok(written)
}

/// Compiles a condition that fits the workspace, and parts of it.
pub(crate) struct Compiler<'a> {
    connection: &'a Connection,
    moment: &'a Moment,
    known: Known,
    made: Compiled,
}

/// A part of a statement that names contacts, by their column `contact_id`: a table with its condition.
struct Source {
    sql: &'static str,
    values: Vec<Value>,
}

/// Whoever writes a condition that the check lets through gets here.
fn unfit() -> Failure {
    Failure::Cause("the segment asks a value for what it can't answer".to_owned())
}

impl<'a> Compiler<'a> {
    /// Checks a condition against the workspace. Answers also with the condition that is to be compiled: in it
    /// stands what the segments say that the other one names.
    pub(crate) fn of(connection: &'a Connection, condition: &Condition, moment: &'a Moment) -> Step<(Self, Condition)> {
        let known = rows::vocabulary(connection)?;
        require_fit(condition, &known)?;
        let whole = rows::expanded(connection, condition, None)?;
        Ok((Self { connection, moment, known, made: Compiled::default() }, whole))
    }

    /// Compiles the condition that was checked, or a part of it.
    pub(crate) fn compile(&mut self, condition: &Condition) -> Step<Compiled> {
        self.condition(condition)?;
        Ok(std::mem::take(&mut self.made))
    }

    /// Whether an index of a field leads to the contacts for which a condition holds.
    pub(crate) fn is_indexed(&self, condition: &Condition) -> bool {
        let Condition::Value { of: Subject::Field(path), test } = condition else { return false };
        let field = self.known.fields.iter().find(|field| field.name == path.field);
        let Some(field) = field.filter(|field| field.is_filterable) else { return false };
        let leads = match test {
            Test::Compare { operator, .. } => *operator != Operator::NotEqual,
            Test::In(_) | Test::Window(_) | Test::Anniversary(_) => true,
            _ => false,
        };
        leads && expression::has_index(path, Shape::of(field.kind))
    }

    fn write(&mut self, sql: &str) {
        self.made.sql.push_str(sql);
    }

    fn bind(&mut self, value: impl Into<Value>) {
        self.made.sql.push('?');
        self.made.values.push(value.into());
    }

    fn condition(&mut self, condition: &Condition) -> Step<()> {
        match condition {
            Condition::Everyone => self.write("TRUE"),
            Condition::All(parts) => self.joined(parts, " AND ")?,
            Condition::Any(parts) => self.joined(parts, " OR ")?,
            Condition::Not(part) => {
                self.write("(");
                self.condition(part)?;
                self.write(") IS NOT TRUE");
            }
            Condition::Value { of, test } => self.value(of, test)?,
            Condition::Consent(states) => {
                let each: Vec<&str> = states.iter().copied().map(consent).collect();
                self.write(&format!("({})", each.join(" OR ")));
            }
            Condition::ConsentFor { purpose, states } => self.consent_for(purpose, states)?,
            Condition::Unsubscribed(list) => {
                let values = vec![list_rows::require(self.connection, list)?.id.into()];
                self.among(Source { sql: "list_withdrawals WHERE list_id = ?", values })?;
            }
            Condition::Tag(name) => self.tag(name)?,
            Condition::OnList(list) => {
                let (sql, values) = (
                    "entries WHERE contact_id IS NOT NULL AND list_id = ? AND generation BETWEEN ? AND ?",
                    self.shown(list)?,
                );
                self.among(Source { sql, values })?;
            }
            // The named one stands in its place.
            Condition::InSegment(_) => return Err(unfit()),
            Condition::Joined { list, window } => self.joined_list(list, *window)?,
            Condition::Repeated(list) => self.repeated(list.as_deref())?,
            Condition::Member(None) => self.write(concat!(
                "EXISTS (SELECT 1 FROM ",
                audiences_of!(),
                "c.id WHERE m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent')"
            )),
            Condition::Member(Some(sync)) => {
                let audience: i64 =
                    self.connection
                        .query_row("SELECT audience_id FROM syncs WHERE name = ?", [sync], |row| row.get(0))?;
                let sql = "remote_members WHERE audience_id = ? AND hash IS NOT NULL \
                           AND coalesce(status, '') <> 'absent'";
                self.among(Source { sql, values: vec![audience.into()] })?;
            }
            Condition::Activity { kind, campaign, window } => {
                let (sql, mut values): (_, Vec<Value>) = match (campaign, window.map(|window| self.ends(window))) {
                    (None, None) => ("activity WHERE kind = ?", Vec::new()),
                    (None, Some(Bounds::Between(..))) => ("activity WHERE kind = ? AND at BETWEEN ? AND ?", Vec::new()),
                    (None, Some(Bounds::Before(_))) => ("activity WHERE kind = ? AND at < ?", Vec::new()),
                    (Some(_), None) => ("activity WHERE kind = ? AND campaign = ?", Vec::new()),
                    (Some(_), Some(Bounds::Between(..))) => {
                        ("activity WHERE kind = ? AND campaign = ? AND at BETWEEN ? AND ?", Vec::new())
                    }
                    (Some(_), Some(Bounds::Before(_))) => {
                        ("activity WHERE kind = ? AND campaign = ? AND at < ?", Vec::new())
                    }
                };
                values.push(kind.as_str().to_owned().into());
                values.extend(campaign.iter().map(|campaign| Value::from(campaign.clone())));
                values.extend(window.iter().flat_map(|window| ends(self.ends(*window))));
                self.among(Source { sql, values })?;
            }
        }
        Ok(())
    }

    fn joined(&mut self, parts: &[Condition], with: &str) -> Step<()> {
        self.write("(");
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.write(with);
            }
            self.condition(part)?;
        }
        self.write(")");
        Ok(())
    }

    /// The contacts that a source names. Few of them are looked up first, so that they can lead to their
    /// contacts; of many, each contact asks whether it is among them.
    fn among(&mut self, source: Source) -> Step<()> {
        let Source { sql, values } = source;
        let count = format!("SELECT count(*) FROM (SELECT 1 FROM {sql} LIMIT {NARROW_ROWS} + 1)");
        let rows: i64 =
            self.connection.prepare_cached(&count)?.query_row(params_from_iter(&values), |row| row.get(0))?;
        if rows > NARROW_ROWS {
            self.write(&format!("EXISTS (SELECT 1 FROM {sql} AND contact_id = c.id)"));
        } else {
            self.write(&format!("c.id IN (SELECT contact_id FROM {sql})"));
        }
        self.made.values.extend(values);
        Ok(())
    }

    /// Who said one of these for a purpose. Who said nothing has no row, so that where that is asked for too the
    /// others are left out instead.
    fn consent_for(&mut self, purpose: &str, states: &[ConsentState]) -> Step<()> {
        let takes_unknown = states.contains(&ConsentState::Unknown);
        let said = [ConsentState::Pending, ConsentState::Granted, ConsentState::Withdrawn];
        let mut values = vec![Value::from(purpose_rows::require(self.connection, purpose)?.id)];
        // A word that no row has stands where one is not looked for.
        values.extend(said.map(|state| {
            let word = if states.contains(&state) == takes_unknown { "" } else { state.as_str() };
            Value::from(word.to_owned())
        }));
        self.write("(");
        self.among(Source { sql: "purpose_wills WHERE purpose_id = ? AND will IN (?, ?, ?)", values })?;
        self.write(if takes_unknown { ") IS NOT TRUE" } else { ")" });
        Ok(())
    }

    fn tag(&mut self, name: &str) -> Step<()> {
        let tag: Option<i64> = self
            .connection
            .query_row("SELECT id FROM tags WHERE name_key = ?", [name.to_lowercase()], |row| row.get(0))
            .optional()?;
        match tag {
            Some(tag) => self.among(Source { sql: "contact_tags WHERE tag_id = ?", values: vec![tag.into()] }),
            None => {
                self.write("FALSE");
                Ok(())
            }
        }
    }

    /// A list and the generations that it shows, as parameters.
    fn shown(&self, list: &str) -> Step<Vec<Value>> {
        let list = list_rows::require(self.connection, list)?;
        Ok(vec![list.id.into(), list.first_generation.into(), list.last_generation.into()])
    }

    fn joined_list(&mut self, list: &str, window: Window) -> Step<()> {
        let bounds = self.ends(window);
        let mut values = self.shown(list)?;
        values.extend(ends(bounds));
        let sql = match bounds {
            Bounds::Between(..) => {
                "entries WHERE contact_id IS NOT NULL AND list_id = ? AND generation BETWEEN ? AND ? \
                 AND joined_at BETWEEN ? AND ?"
            }
            Bounds::Before(_) => {
                "entries WHERE contact_id IS NOT NULL AND list_id = ? AND generation BETWEEN ? AND ? AND joined_at < ?"
            }
        };
        self.among(Source { sql, values })
    }

    fn repeated(&mut self, list: Option<&str>) -> Step<()> {
        match list {
            Some(list) => {
                let values = self.shown(list)?;
                self.write(concat!(
                    "c.id IN (SELECT contact_id FROM entries WHERE contact_id IS NOT NULL AND list_id = ? ",
                    "AND generation BETWEEN ? AND ? GROUP BY contact_id HAVING count(*) > 1)"
                ));
                self.made.values.extend(values);
            }
            None => self.write(concat!(
                "c.id IN (SELECT e.contact_id FROM lists l CROSS JOIN entries e ON e.list_id = l.id ",
                "AND e.contact_id IS NOT NULL AND e.generation BETWEEN l.first_generation AND l.last_generation ",
                "WHERE l.shown = 1 GROUP BY e.list_id, e.contact_id HAVING count(*) > 1)"
            )),
        }
        Ok(())
    }

    /// A window over moments that stand as microseconds.
    fn ends(&self, window: Window) -> Bounds<i64> {
        match self.moment.moments(window) {
            Bounds::Between(first, last) => Bounds::Between(micros(first), micros(last)),
            Bounds::Before(end) => Bounds::Before(micros(end)),
        }
    }

    fn value(&mut self, of: &Subject, test: &Test) -> Step<()> {
        let (sql, shape) = match of {
            Subject::Email => ("c.email_key".to_owned(), Shape::Text),
            Subject::ExternalId => ("c.external_id".to_owned(), Shape::Text),
            Subject::Created => ("c.created_at".to_owned(), Shape::Moment),
            Subject::Updated => ("c.updated_at".to_owned(), Shape::Moment),
            Subject::Field(path) => {
                let shape = self.known.shape(path).ok_or_else(unfit)?;
                if let Test::Anniversary(window) = test {
                    let days = self.moment.anniversaries(*window);
                    return self.one_of(&expression::day_of_year(path), days.into_iter().map(Value::from));
                }
                (expression::value(path, shape), shape)
            }
        };
        let column = Column { sql, shape, of };
        match test {
            Test::Set => self.write(&format!("{} IS NOT NULL", column.ordered())),
            Test::Empty => self.write(&format!("{} IS NULL", column.ordered())),
            Test::Compare { operator, value } => self.compare(&column, *operator, value)?,
            Test::In(values) if shape == Shape::Moment => {
                self.write("(");
                for (number, value) in values.iter().enumerate() {
                    if number > 0 {
                        self.write(" OR ");
                    }
                    self.compare(&column, Operator::Equal, value)?;
                }
                self.write(")");
            }
            Test::In(values) => {
                let values: Vec<Value> = values.iter().map(|value| column.literal(value)).collect::<Step<_>>()?;
                self.one_of(&column.ordered(), values.into_iter())?;
            }
            Test::Contains(text) => {
                self.write(&format!("instr({}, ", column.ordered()));
                self.bind(of.fold(text));
                self.write(") > 0");
            }
            Test::StartsWith(text) => {
                self.write(&format!("instr({}, ", column.ordered()));
                self.bind(of.fold(text));
                self.write(") = 1");
            }
            Test::EndsWith(text) => {
                self.write(&format!("substr({}, -", column.ordered()));
                self.bind(i64::try_from(text.chars().count())?);
                self.write(") = ");
                self.bind(of.fold(text));
            }
            Test::HasAny(choices) => self.has(&column, choices, " OR "),
            Test::HasAll(choices) => self.has(&column, choices, " AND "),
            Test::Window(window) if shape == Shape::Date => {
                let day = |day: Date| Value::from(day.to_string());
                match self.moment.days(*window) {
                    Bounds::Between(first, last) => self.between(&column.sql, day(first), day(last)),
                    Bounds::Before(end) => self.against(&column.sql, "<", day(end)),
                }
            }
            Test::Window(window) => match self.moment.moments(*window) {
                Bounds::Between(first, last) => self.between(&column.sql, column.moment(first), column.moment(last)),
                Bounds::Before(end) => self.against(&column.sql, "<", column.moment(end)),
            },
            Test::Anniversary(_) => return Err(unfit()),
        }
        Ok(())
    }

    fn compare(&mut self, column: &Column<'_>, operator: Operator, value: &Literal) -> Step<()> {
        let Literal::Date(day) = value else {
            let value = column.literal(value)?;
            self.against(&column.ordered(), sign(operator), value);
            return Ok(());
        };
        if column.shape == Shape::Date {
            self.against(&column.sql, sign(operator), day.to_string());
            return Ok(());
        }
        // A moment against a day: against its first moment, and the first one after it.
        let start = column.moment(self.moment.start_of(*day));
        let end = column.moment(self.moment.end_of(*day));
        match operator {
            Operator::Equal | Operator::NotEqual => {
                let (first, with, last) =
                    if operator == Operator::Equal { (">=", " AND ", "<") } else { ("<", " OR ", ">=") };
                self.write("(");
                self.against(&column.sql, first, start);
                self.write(with);
                self.against(&column.sql, last, end);
                self.write(")");
            }
            Operator::Less => self.against(&column.sql, "<", start),
            Operator::AtMost => self.against(&column.sql, "<", end),
            Operator::More => self.against(&column.sql, ">=", end),
            Operator::AtLeast => self.against(&column.sql, ">=", start),
        }
        Ok(())
    }

    fn against(&mut self, sql: &str, sign: &str, value: impl Into<Value>) {
        self.write(&format!("{sql} {sign} "));
        self.bind(value);
    }

    fn between(&mut self, sql: &str, first: Value, last: Value) {
        self.write(&format!("{sql} BETWEEN "));
        self.bind(first);
        self.write(" AND ");
        self.bind(last);
    }

    fn one_of(&mut self, sql: &str, values: impl Iterator<Item = Value>) -> Step<()> {
        self.write(&format!("{sql} IN ("));
        for (number, value) in values.enumerate() {
            if number > 0 {
                self.write(", ");
            }
            self.bind(value);
        }
        self.write(")");
        Ok(())
    }

    fn has(&mut self, column: &Column<'_>, choices: &[String], with: &str) {
        self.write("(");
        for (number, choice) in choices.iter().enumerate() {
            if number > 0 {
                self.write(with);
            }
            self.write(&format!(
                "EXISTS (SELECT 1 FROM json_each({}) WHERE {} = ",
                column.sql,
                expression::folded("value")
            ));
            self.bind(column.of.fold(choice));
            self.write(")");
        }
        self.write(")");
    }
}

/// A value of a contact, and how it is compared.
struct Column<'a> {
    sql: String,
    shape: Shape,
    of: &'a Subject,
}

impl Column<'_> {
    /// As it is indexed: texts folded as [`Subject::fold`] folds what they are compared with.
    fn ordered(&self) -> String {
        match (self.of, self.shape) {
            (Subject::Field(_), Shape::Text) => expression::folded(&self.sql),
            _ => self.sql.clone(),
        }
    }

    /// A moment as this column keeps it.
    fn moment(&self, at: Timestamp) -> Value {
        match self.of {
            Subject::Field(_) => at.to_string().trim_end_matches('Z').to_owned().into(),
            _ => micros(at).into(),
        }
    }

    fn literal(&self, literal: &Literal) -> Step<Value> {
        Ok(match (literal, self.shape) {
            (Literal::Text(text), Shape::Text) => self.of.fold(text).into(),
            (Literal::Number(digits), Shape::Number) => number(digits).into(),
            (Literal::Date(day), Shape::Date) => day.to_string().into(),
            (Literal::Moment(at), Shape::Moment) => self.moment(*at),
            (Literal::Boolean(value), Shape::Boolean) => i64::from(*value).into(),
            _ => return Err(unfit()),
        })
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::NotEqual => "<>",
        other => other.as_str(),
    }
}

/// The ends of a window, as parameters.
fn ends(bounds: Bounds<i64>) -> Vec<Value> {
    match bounds {
        Bounds::Between(first, last) => vec![first.into(), last.into()],
        Bounds::Before(end) => vec![end.into()],
    }
}

/// A state of consent. The rare ones have indexes of their own, which a parameter would hide.
fn consent(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Unknown => "c.shown = 'unknown'",
        ConsentState::Pending => "c.shown = 'pending'",
        ConsentState::Granted => "c.shown = 'granted'",
        // Whoever withdrew is shown so, whatever else is known.
        ConsentState::Withdrawn => "c.will = 'withdrawn'",
        ConsentState::Unusable => "c.shown = 'unusable'",
    }
}
