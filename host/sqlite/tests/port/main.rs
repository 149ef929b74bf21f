//! The store through its port: every test opens a store of its own in a temporary folder and uses
//! nothing but the traits of `postroom_store`, the files in the folder apart.

mod accounts;
mod contacts;
mod fixture;
mod imports;
mod lists;
mod opening;
mod runs;
mod syncs;
