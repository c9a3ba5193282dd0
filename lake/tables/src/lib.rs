//! The tables: their schemas in one place, the writer of hot files, and the planner that says which files a reader
//! reads. No DataFusion.
//!
//! `hot/<table>/date=D/<time>-<id>.parquet` is what a normalizer just wrote; `tables/<table>/date=D/seal-<n>.parquet`
//! is a closed day. Every file says in its footer which raw objects it covers ([`Cover`]); all rows of one raw object
//! for one table are in one file. [`Planner`] takes each raw object from exactly one file. Tables that are [`Derived`]
//! from these are one object per partition.

mod columns;
mod cover;
mod days;
mod derived;
pub mod figures;
mod file;
mod footers;
mod hot;
mod merge;
mod older;
mod order;
mod pages;
mod planner;
mod read;
mod reader;
mod runs;
mod schema;
mod trades;
pub mod typed;

pub use cover::{Cover, CoverError, CoveredObject};
pub use days::Days;
pub use derived::{Derived, Inputs, Parts};
pub use figures::{EventFigures, Figures, PaymentFigures};
pub use file::WriteError;
pub use hot::{DayBatch, EventCounts, HotFile, write};
pub use merge::{Input, MergeError, Merged, merge_for_seal, merge_hot, merged_path};
pub use planner::{CountedFile, PlanError, PlannedFile, Planner, Take, Zone};
pub use read::{Passes, RowTest, Wanted};
pub use reader::PinnedReader;
pub use runs::{KeyedRows, Rows};
pub use schema::Table;
pub use trades::Observations;
