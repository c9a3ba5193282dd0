//! The commands, one file each.

pub(crate) mod account;
pub(crate) mod dead_letters;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod import;
pub(crate) mod ingest;
pub(crate) mod key;
pub(crate) mod lineage;
pub(crate) mod maintain;
pub(crate) mod normalize;
pub(crate) mod poll;
pub(crate) mod rates;
pub(crate) mod scrape;
pub(crate) mod sql;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod user;
