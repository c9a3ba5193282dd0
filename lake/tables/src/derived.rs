//! Derived tables: functions of the observations, one object per partition, replaced in place. Each object says in its
//! footer what it was made from, so that whoever looks knows whether it is still true.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use bytes::Bytes;
use cauce_model::{AccountId, BadValue};
use chrono::NaiveDate;
use object_store::path::Path;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use serde::{Deserialize, Serialize};

use crate::{Figures, PaymentFigures, WriteError, figures, file, schema};

/// A derived table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Derived {
    /// Who advertises, as it was at each time (type 2).
    DimAdvertisers,
    /// What happened to offers between snapshots.
    FactOfferChanges,
    /// Checks of snapshots against those before them.
    OpsDerivedQuality,
    /// What became of each payment, by the day of its first event.
    Payments,
    /// Each fill of an account once.
    FactTrades,
    /// What fills closed.
    FactPositions,
    /// What positions add up to.
    FactTradeStats,
}

/// What the objects of a derived table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// It is one object.
    One,
    /// One per day.
    Days,
    /// One per account.
    Accounts,
}

impl Derived {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::DimAdvertisers,
        Self::FactOfferChanges,
        Self::OpsDerivedQuality,
        Self::Payments,
        Self::FactTrades,
        Self::FactPositions,
        Self::FactTradeStats,
    ];

    /// The table's name, as in folders and queries.
    pub fn name(self) -> &'static str {
        match self {
            Self::DimAdvertisers => "dim_advertisers",
            Self::FactOfferChanges => "fact_offer_changes",
            Self::OpsDerivedQuality => "ops_derived_quality",
            Self::Payments => "payments",
            Self::FactTrades => "fact_trades",
            Self::FactPositions => "fact_positions",
            Self::FactTradeStats => "fact_trade_stats",
        }
    }

    /// What its objects are.
    pub fn parts(self) -> Parts {
        match self {
            Self::DimAdvertisers => Parts::One,
            Self::FactOfferChanges | Self::OpsDerivedQuality | Self::Payments => Parts::Days,
            Self::FactTrades | Self::FactPositions | Self::FactTradeStats => Parts::Accounts,
        }
    }

    /// Whether it has one object per day.
    pub fn by_day(self) -> bool {
        self.parts() == Parts::Days
    }

    /// The columns of its files, without the partition column `date`.
    pub fn schema(self) -> SchemaRef {
        Arc::new(match self {
            Self::DimAdvertisers => schema::dim_advertisers(),
            Self::FactOfferChanges => schema::fact_offer_changes(),
            Self::OpsDerivedQuality => schema::ops_derived_quality(),
            Self::Payments => schema::payments(),
            Self::FactTrades => schema::fact_trades(),
            Self::FactPositions => schema::fact_positions(),
            Self::FactTradeStats => schema::fact_trade_stats(),
        })
    }

    /// The columns that its rows are ordered by.
    pub fn order(self) -> &'static [&'static str] {
        match self {
            Self::DimAdvertisers => &["venue", "advertiser_id", "effective_date"],
            Self::FactOfferChanges => &["venue", "crypto", "fiat", "trade_type", "changed_at"],
            Self::OpsDerivedQuality => &["venue", "crypto", "fiat", "trade_type", "check_timestamp"],
            Self::Payments => &["provider", "provider_payment_id", "identity"],
            Self::FactTrades => &["account_id", "executed_at"],
            Self::FactPositions => &["account_id", "method", "closed_at"],
            Self::FactTradeStats => {
                &["account_id", "method", "currency", "symbol", "direction", "period", "period_start"]
            }
        }
    }

    /// The object of an account, of a table that has one per account.
    pub fn path_of(self, account: &AccountId) -> Path {
        Path::from(format!("tables/{self}/account={account}/part-0.parquet"))
    }

    /// The object of a partition; `day` is of no meaning to a table that is one object.
    pub fn path(self, day: NaiveDate) -> Path {
        match self.by_day() {
            true => Path::from(format!("tables/{self}/date={day}/part-0.parquet")),
            false => Path::from(format!("tables/{self}/part-0.parquet")),
        }
    }

    /// Makes the object of a partition.
    pub fn encode(self, rows: &RecordBatch, inputs: &Inputs) -> Result<Bytes, WriteError> {
        let mut writer = file::parquet_writer(&self.schema(), self.order(), true)?;
        writer.write(rows)?;
        writer.append_key_value_metadata(inputs.to_footer()?);
        if self == Self::Payments {
            let mut counted = PaymentFigures::default();
            counted.take_plain(rows).map_err(|source| WriteError::Derived { table: self, source })?;
            writer.append_key_value_metadata(figures::to_footer(&counted)?);
        }
        Ok(writer.into_inner()?.into())
    }
}

impl fmt::Display for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Derived {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|table| table.name() == text)
            .ok_or_else(|| BadValue::new("derived table", text, format!("is none of {}", names())))
    }
}

/// The footer's key.
const KEY: &str = "cauce.inputs";

/// What a derived object was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The rules that made it, and the settings that they took.
    pub rules: String,
    /// The files of every day that was looked at, as a hash of their names and versions; none where there were none.
    pub days: BTreeMap<NaiveDate, Option<String>>,
}

impl Inputs {
    fn to_footer(&self) -> Result<KeyValue, serde_json::Error> {
        Ok(KeyValue::new(KEY.to_owned(), serde_json::to_string(self)?))
    }

    /// Reads what a file was made from; none if it does not say: then it has to be made again.
    pub fn from_footer(metadata: &ParquetMetaData) -> Option<Self> {
        let entries = metadata.file_metadata().key_value_metadata()?;
        let entry = entries.iter().find(|entry| entry.key == KEY)?;
        serde_json::from_str(entry.value.as_ref()?).ok()
    }
}
