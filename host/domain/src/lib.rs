//! What is true: contacts, fields, consent, lists, mappings, plans. Pure: no I/O, no async, no clock.
