//! What a run does: plan, push, tag, record, report.
