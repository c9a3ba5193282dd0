//! DataFusion over the planner: the lake's tables, the views on them, and the reports that the API and the command
//! line answer with.

mod as_of;
mod days;
mod dimensions;
mod functions;
mod history;
mod lake;
mod output;
mod provider;
mod quality;
mod reports;
mod views;

pub use history::{BadInterval, History, HistoryFilter, HistoryQuery, Interval};
pub use lake::{Lake, QueryError};
pub use output::{csv, json_rows, table};
pub use quality::QualityQuery;
pub use reports::{LatestQuery, Summary, SummaryRow};
