//! DataFusion over the planner: the lake's tables, the views on them, and the reports that the API and the command
//! line answer with.

mod days;
mod dimensions;
mod functions;
mod history;
mod lake;
mod output;
mod provider;
mod reports;
mod views;

pub use history::{BadInterval, History, HistoryFilter, HistoryQuery, Interval};
pub use lake::{Lake, QueryError};
pub use output::{csv, json_rows, table};
pub use reports::{LatestQuery, Summary, SummaryRow};
