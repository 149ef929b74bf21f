//! How a plugin runs: engine, limits, linking, probing. The only crate that names wasmtime.
