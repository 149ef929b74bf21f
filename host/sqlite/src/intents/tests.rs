//! Which index SQLite takes for what workers and people ask of the ledger: what has ended, which is nearly all of
//! it, must cost them nothing.

use postroom_domain::contact::ContactId;
use postroom_domain::intent::IntentState;
use postroom_store::intents::IntentQuery;
use rusqlite::Connection;

use crate::intent_rows::select_intents;
use crate::{intent_ends, intent_views, intent_work, schema};

/// How SQLite goes about a statement, whatever the values are.
fn plan(connection: &Connection, statement: &str) -> String {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    explain.raw_query().mapped(|row| row.get::<_, String>("detail")).map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_question_finds_its_index_and_none_sorts() {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    let all = IntentQuery { limit: 9, ..IntentQuery::default() };
    let of_state = IntentQuery { state: Some(IntentState::InDoubt), ..all };
    let of_account = IntentQuery { account: Some(1), ..of_state };
    let of_contact = IntentQuery { contact: Some(ContactId(1)), ..all };
    for (statement, index) in [
        (intent_work::DUE, "intents_to_claim"),
        (intent_work::DUE_ACCOUNTS, "intents_to_claim (account_id=? AND class=? AND due_at<?)"),
        (intent_work::NEXT_DUE, "intents_next (due_at>?)"),
        (intent_ends::LATE, "intents_to_expire"),
        (intent_ends::ENDED, "intents_to_clear"),
        (crate::intent_lanes::AT_WORK, "intents_by_account"),
        (&intent_views::page_statement(&all), "INTEGER PRIMARY KEY"),
        (&intent_views::page_statement(&of_state), "intents_by_state"),
        (&intent_views::page_statement(&of_account), "intents_by_account"),
        (select_intents!("WHERE contact_id = ? ORDER BY id"), "intents_by_contact"),
        (&intent_views::page_statement(&of_contact), "intents_by_contact"),
        (intent_views::OLDEST_OPT_OUT, "intents_opting_out"),
        (intent_views::OLDEST_IN_DOUBT, "intents_by_state"),
        ("DELETE FROM intents WHERE account_id = ?", "intents_by_account"),
    ] {
        let plan = plan(&connection, statement);
        assert!(plan.contains(index), "{statement}: {plan}");
        assert!(!plan.contains("SCAN intents") || plan.contains("USING"), "{statement}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{statement}: {plan}");
    }
}
