//! Figures of a file's rows, in its footer: what reports add up, counted once by whoever writes a file that lasts.
//!
//! A report over a month then reads footers, and no rows. Figures are of all rows of a file: whoever takes only some of them, or
//! asks for some by what they say, counts for itself. They are JSON, packed, and left out where they would make a footer large,
//! which everybody reads who reads the file.

mod ended;
mod events;
mod names;
mod payments;

use std::{io::Read, sync::Arc};

use arrow::{
    array::RecordBatch,
    compute::cast,
    datatypes::{DataType, Schema},
    error::ArrowError,
};
use base64::{Engine, prelude::BASE64_STANDARD};
pub use ended::{Count, Ended, FAILED, SUCCEEDED};
pub use events::{EventFigures, OfEvents, Other, Received};
pub use names::Names;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
pub use payments::{Captured, OfPayments, PaymentFigures};
use serde::{Serialize, de::DeserializeOwned};

/// The footer's key. Another way of counting is another key.
const KEY: &str = "cauce.figures.1";
/// Bytes of the packed text at most.
const MOST: usize = 256 << 10;
/// Bytes of the JSON at most: what claims to be more is not unpacked.
const MOST_UNPACKED: u64 = 64 << 20;
const LEVEL: i32 = 1;

/// What is counted of rows.
pub trait Figures: Default + Serialize + DeserializeOwned {
    /// The columns that are looked at.
    const COLUMNS: &'static [&'static str];
    /// Those of them that are read as dictionaries; they come first.
    const REPEATED: usize;

    /// Counts rows; some may have to be looked at again ([`EventFigures::take_others`]).
    fn take(&mut self, batch: &RecordBatch) -> Result<(), ArrowError>;

    /// Counts rows as they are written, whose texts are no dictionaries.
    fn take_plain(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        self.take(&with_dictionaries(batch, Self::COLUMNS, Self::REPEATED)?)
    }
}

/// Some columns of a batch, the first of them as dictionaries.
fn with_dictionaries(
    batch: &RecordBatch,
    columns: &[&str],
    repeated: usize,
) -> Result<RecordBatch, ArrowError> {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (place, name) in columns.iter().enumerate() {
        let column = batch.schema().index_of(name)?;
        let field = batch.schema().field(column).clone();
        if place < repeated {
            arrays.push(cast(batch.column(column), &dictionary)?);
            fields.push(field.with_data_type(dictionary.clone()));
        } else {
            arrays.push(Arc::clone(batch.column(column)));
            fields.push(field);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// Figures as a footer has them; an empty text where they are too large for it.
pub(crate) fn to_footer(figures: &impl Serialize) -> Result<KeyValue, serde_json::Error> {
    let json = serde_json::to_vec(figures)?;
    let packed = zstd::bulk::compress(&json, LEVEL).map_err(serde_json::Error::io)?;
    let mut text = BASE64_STANDARD.encode(packed);
    if text.len() > MOST {
        text.clear();
    }
    Ok(KeyValue::new(KEY.to_owned(), text))
}

/// Whether whoever wrote a file counted its rows.
pub(crate) fn is_counted(metadata: &ParquetMetaData) -> bool {
    let entries = metadata.file_metadata().key_value_metadata();
    entries.is_some_and(|entries| entries.iter().any(|entry| entry.key == KEY))
}

/// The figures in a footer; none where it has none that can be read: then the rows are counted.
pub(crate) fn from_footer<F: Figures>(metadata: &ParquetMetaData) -> Option<F> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    unpacked(entries.iter().find(|entry| entry.key == KEY)?.value.as_ref()?)
}

fn unpacked<F: Figures>(text: &str) -> Option<F> {
    let packed = BASE64_STANDARD.decode(text).ok()?;
    let mut json = Vec::new();
    zstd::Decoder::new(packed.as_slice()).ok()?.take(MOST_UNPACKED).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_with_its_percentiles() {
        let mut received = Received::default();
        for latency in [Some(5), Some(70_000), None, Some(5), Some(86_399_999)] {
            received.see(latency);
        }
        let day = OfEvents { providers: vec![received], statuses: vec![5] };
        let figures = EventFigures { days: vec![(20_000, day)], ..EventFigures::default() };
        let entry = to_footer(&figures).unwrap();
        let unpacked: EventFigures = unpacked(entry.value.as_ref().unwrap()).unwrap();
        let (before, after) = (&figures.days[0].1.providers[0], &unpacked.days[0].1.providers[0]);
        assert_eq!((after.events, after.timed, after.millis), (5, 4, before.millis));
        for share in [0.25, 0.5, 0.75, 1.0] {
            assert_eq!(after.latency_at(share), before.latency_at(share), "{share}");
        }
        let paid = PaymentFigures { days: vec![(1, OfPayments::default())], ..PaymentFigures::default() };
        let entry = to_footer(&paid).unwrap();
        assert!(super::unpacked::<PaymentFigures>(entry.value.as_ref().unwrap()).is_some());
        // None is in it where it was too large, and nothing that is broken is believed.
        for text in ["", "AAAA", "not base64"] {
            assert!(super::unpacked::<PaymentFigures>(text).is_none(), "{text}");
        }
    }
}
