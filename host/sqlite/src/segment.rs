//! Segments on SQLite.
//!
//! * `expression`: how a value of a contact is written in SQL. Indexes and conditions take it from the
//!   same place, so that a condition asks for exactly what is indexed.
//! * `compile`: from a tree to one condition over `contacts c`, with bound parameters.
//! * `members`: who is in a segment, by compiled conditions.
//! * `walk`: where the indexes of several conditions meet.
//! * `facts`: one contact as plain data, for the rules of the domain.
//! * `rows`: saved segments, and the hidden lists beside them.
//! * `filterable`: the indexes of fields.
//! * `refresh`: gathering the members for a sync.

pub(crate) mod compile;
pub(crate) mod expression;
pub(crate) mod facts;
pub(crate) mod filterable;
pub(crate) mod members;
pub(crate) mod refresh;
pub(crate) mod rows;
pub(crate) mod walk;

#[cfg(test)]
mod tests;
