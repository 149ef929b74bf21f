//! Look-alikes of the providers' HTTP APIs, for tests and demonstrations. They import no host crate.
