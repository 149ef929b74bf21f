//! How bytes leave: origins, address policy, credentials, limits, redaction.
