//! What is true, and what follows from it.
//!
//! This crate holds the rules of the house as pure functions over plain data. There is no I/O in
//! it, no async, no clock and no randomness: whoever calls brings the time and the facts.
//!
//! * [`email`]: what an e-mail address is, and when two of them are the same person's.
//! * [`field`]: the fields that a workspace defines, and their typed values.
//! * [`consent`]: the history of a contact's will and of its mailbox, folded into one state.
//! * [`purpose`]: what contacts are written to for, and on what legal basis.
//! * [`narrowing`]: consent for one list or one purpose, and how it narrows the whole.
//! * [`claim`]: what an imported row says about consent, and when it counts.
//! * [`contact`]: a contact and the entries that lists hold of it.
//! * [`history`]: the story of a contact: what happened to it, when, and who did it.
//! * [`meeting`]: whom a row of a file means, and what a row can't be taken for.
//! * [`merge`]: two contacts that turn out to be one person.
//! * [`mapping`]: which local field goes to which remote field, checked against both sides.
//! * [`projection`]: a contact seen through a mapping: exactly what an audience is to hold of it.
//! * [`decision`]: what a run does with one entry, and with one contact that left the list.
//! * [`discovery`]: whether a run may follow what moved since the last look, or compares everything.
//! * [`outcome`]: the ten counts that an entry can end in, and the sums of a report.
//! * [`order`]: the order that an operator gives to things.
//! * [`segment`]: saved filters over contacts: a tree, its text, and who is in it.
//! * [`intent`]: what is to happen outside, how far it got, and what may be repeated.
//! * [`instance`]: whether a store is the one that it was, or a copy, or an older state of it.
//! * [`schedule`]: when things are due: timetables over clock changes, and what becomes of missed ticks.
//! * [`breaker`]: when a plan is too large to be carried out unasked.
//!
//! A run reads `contact` and `consent`, sees the contact through `mapping` as a `projection`, asks
//! `decision` what to do, and books each answer as an `outcome`.

pub mod breaker;
pub mod claim;
pub mod consent;
pub mod contact;
pub mod decision;
pub mod discovery;
pub mod email;
pub mod field;
pub mod history;
pub mod instance;
pub mod intent;
pub mod mapping;
pub mod meeting;
pub mod merge;
pub mod narrowing;
pub mod order;
pub mod outcome;
pub mod projection;
pub mod purpose;
pub mod schedule;
pub mod segment;
