//! Parquet as the lake writes it, hot and sealed.

use std::{ops::Range, sync::Arc};

use arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef, error::ArrowError};
use bytes::Bytes;
use chrono::NaiveDate;
use object_store::path::Path;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{metadata::SortingColumn, properties::WriterProperties},
    schema::types::ColumnPath,
};
use thiserror::Error;

use crate::{Cover, EventFigures, Figures, Table, Zone, figures, schema::DEC};

/// Why a file could not be made or stored.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Columns do not agree with the table's schema.
    #[error("columns of {table}: {source}")]
    Columns {
        /// The table.
        table: Table,
        /// What Arrow said.
        source: ArrowError,
    },
    /// Columns do not agree with the derived table's schema.
    #[error("columns of {table}: {source}")]
    Derived {
        /// The table.
        table: crate::Derived,
        /// What Arrow said.
        source: ArrowError,
    },
    /// Parquet could not be written.
    #[error("parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// The cover or figures could not be written as JSON.
    #[error("footer: {0}")]
    Cover(#[from] serde_json::Error),
    /// The object store failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
}

/// Rows to a group: what a reader decides to skip or read. Measured for sealed files; hot files keep the same.
const ROW_GROUP: usize = 128 * 1024;

/// Parquet as every file of the lake has it.
///
/// A file that `is_lasting` has dictionaries wherever they help. A hot file, which is read for a day and then rewritten,
/// has none for decimals, which makes writing it cheaper (docs/performance.md).
pub(crate) fn parquet_writer(
    schema: &SchemaRef,
    order: &[&str],
    is_lasting: bool,
) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let sorting = order.iter().filter_map(|name| {
        // Lists are one Parquet leaf each, and no table has structs: a column's place is its leaf's.
        let column_idx = i32::try_from(schema.index_of(name).ok()?).ok()?;
        Some(SortingColumn { column_idx, descending: false, nulls_first: true })
    });
    let plain = schema.fields().iter().filter(|field| !is_lasting && *field.data_type() == DEC);
    let properties = plain
        .fold(WriterProperties::builder(), |properties, field| {
            properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false)
        })
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by(concat!("cauce ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(sorting.collect()))
        .build();
    // Parquet's own schema says it all; Arrow's beside it would be parsed for every file of every query.
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(Vec::with_capacity(1 << 20), Arc::clone(schema), options)
}

/// Writes one file of a table from pieces of batches.
pub(crate) struct FileWriter {
    table: Table,
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
    /// The piece that may still grow: pieces that follow each other in one batch are one.
    piece: Option<(RecordBatch, Range<usize>)>,
    /// Pieces on their way to the writer, for which a call for each column of a small piece costs more than copying.
    pieces: Vec<RecordBatch>,
    waiting: usize,
    rows: u64,
    /// Of what lasts and is added up: the other files are read for a day.
    figures: Option<EventFigures>,
}

impl FileWriter {
    /// Rows that go to the writer at once.
    const AT_ONCE: usize = 16 * 1024;

    pub(crate) fn new(table: Table, zone: Zone) -> Result<Self, WriteError> {
        let schema = table.schema();
        let writer = parquet_writer(&schema, table.order(), zone == Zone::Sealed)?;
        let is_counted = table == Table::FactPaymentEvents && zone == Zone::Sealed;
        let figures = is_counted.then(EventFigures::default);
        Ok(Self { table, schema, writer, piece: None, pieces: Vec::new(), waiting: 0, rows: 0, figures })
    }

    /// Rows written so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch, rows: Range<usize>) -> Result<(), WriteError> {
        self.rows += rows.len() as u64;
        if let Some((same, so_far)) = &mut self.piece
            && so_far.end == rows.start
            && Arc::ptr_eq(same.column(0), batch.column(0))
        {
            so_far.end = rows.end;
            return Ok(());
        }
        self.end_piece()?;
        self.piece = Some((batch.clone(), rows));
        if self.waiting >= Self::AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn end_piece(&mut self) -> Result<(), WriteError> {
        if let Some((batch, rows)) = self.piece.take() {
            // Files of an older version may be marked otherwise; the table's schema is what counts.
            let piece = batch.slice(rows.start, rows.len()).with_schema(Arc::clone(&self.schema));
            self.pieces.push(piece.map_err(|source| WriteError::Columns { table: self.table, source })?);
            self.waiting += rows.len();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let broken = |source| WriteError::Columns { table: self.table, source };
        let rows = match self.pieces.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            pieces => concat_batches(&self.schema, pieces).map_err(broken)?,
        };
        if let Some(figures) = &mut self.figures {
            figures.take_plain(&rows).map_err(broken)?;
        }
        self.writer.write(&rows)?;
        self.pieces.clear();
        self.waiting = 0;
        Ok(())
    }

    pub(crate) fn close(mut self, cover: &Cover) -> Result<Bytes, WriteError> {
        self.end_piece()?;
        self.flush()?;
        self.writer.append_key_value_metadata(cover.to_footer()?);
        if let Some(figures) = &self.figures {
            self.writer.append_key_value_metadata(figures::to_footer(figures)?);
        }
        Ok(self.writer.into_inner()?.into())
    }
}

/// The place of a hot file. The name follows from what is in the file, so that a batch that is written again finds
/// itself already there. `time` is that of the earliest of its raw objects.
pub(crate) fn hot_path(table: Table, date: NaiveDate, time: &str, cover: &Cover) -> Path {
    let mut hasher = blake3::Hasher::new();
    for object in &cover.objects {
        hasher.update(format!("{}@{}\n", object.raw_id, object.normalizer_version).as_bytes());
    }
    let id = &hasher.finalize().to_hex()[..16];
    Path::from(format!("hot/{table}/date={date}/{time}-{id}.parquet"))
}
