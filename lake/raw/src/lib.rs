//! The raw zone: what the outside said, verbatim, compressed, and named by what it is.
//!
//! - [`Envelope`]: one answer, file or report, as one line of JSON.
//! - [`Bundle`]: envelopes on their way to becoming a raw object.
//! - [`open`]: the object store behind the lake, a directory or memory; `open_s3` with the feature `s3`.
//! - [`RawZone`]: put, get and list raw objects.
//!
//! A raw object is newline-delimited envelopes, compressed with zstd. Its key is
//! `raw/<source>/<kind>/date=YYYY-MM-DD/<run or hour>/<name>-<hash>.ndjson.zst`; see [`cauce_model::RawId`].

#[cfg(feature = "s3")]
pub mod aws;
mod bundle;
mod envelope;
mod store;
mod zone;

pub use bundle::{Bundle, RawObject};
pub use envelope::{Body, Envelope, Request, lines};
#[cfg(feature = "multipart")]
pub use store::LargePuts;
pub use store::{
    CreatedListener, Durability, Links, MeteredStore, NotifyingStore, OpenError, open, state_folder,
};
#[cfg(feature = "s3")]
pub use store::{S3Links, open_s3, open_s3_with_links};
pub use zone::{Put, RawError, RawZone};

/// Kinds of raw objects, as they stand in keys.
pub mod kind {
    /// Complete snapshots of markets, made by one run.
    pub const MARKET_SNAPSHOT: &str = "market_snapshot";
    /// One imported file.
    pub const FILE: &str = "file";
    /// What a payment provider said: a webhook, an answer of its API.
    pub const PAYMENT_EVENT: &str = "payment_event";
    /// What says that it is of a payment provider, and is not.
    pub const FORGED_EVENT: &str = "forged_event";
    /// What a language model said of a payment event.
    pub const MODEL_ANSWER: &str = "model_answer";
    /// What currencies were worth, as a service answered.
    pub const RATES: &str = "rates";
    /// What became of one run.
    pub const RUN_REPORT: &str = "run_report";
    /// Trades of an account, whose id is the source: a broker's file, or answers of its API.
    pub const TRADES: &str = "trades";
    /// What became of importing trades.
    pub const IMPORT_REPORT: &str = "import_report";
    /// What became of deliveries of trades.
    pub const DELIVERY_REPORT: &str = "delivery_report";
}

/// That the rules of payment providers were switched off when something came, as a header of its envelope: `off`.
pub const RULES_HEADER: &str = "cauce-rules";

/// Whose trades an envelope has, and what the account says of its files, as a header: `cauce_normalize::TradeSource` as JSON.
pub const ACCOUNT_HEADER: &str = "cauce-account";

/// The source of what Cauce says about itself.
pub const CAUCE: &str = "cauce";
