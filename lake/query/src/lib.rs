//! DataFusion over the planner: the lake's tables, the views on them, and the reports that the API and the command
//! line answer with.

mod analysts;
mod as_of;
mod days;
mod dimensions;
mod files;
mod fingerprint;
mod functions;
mod history;
mod keyset;
mod lake;
mod output;
mod provider;
mod quality;
mod reports;
mod views;

pub use analysts::{Analysts, SqlAnswer, SqlLimits, SqlRefused};
pub use fingerprint::Reads;
pub use history::{BadInterval, History, HistoryFilter, HistoryQuery, Interval};
pub use keyset::{Page, Paged};
pub use lake::{Lake, QueryError};
pub use output::{BadFormat, EncodeError, Format, Streaming, csv, json_rows, table};
pub use reports::{
    AccountResults, AccountWindow, Advertisers, Checks, Counted, Errors, Hour, InCurrency, Judged, Latency,
    List, Markets, Measure, Named, Now, OfferChanges, Outcomes, PaymentEvents, PaymentMetrics,
    PaymentsQuestion, Period, Positions, ProviderOutcomes, Runs, Snapshots, SpreadQuery, Summary, SummaryRow,
    Takeable, TradeFigures, Trades, Window,
};
