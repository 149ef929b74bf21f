//! The use cases: one per verb, request, progress and answer as plain types.
