//! Brings the export of the warehouse before Cauce into the raw zone: a file of offers or runs, CSV or Parquet, becomes
//! a raw object per batch and day, under the days on which it was scraped.
//!
//! A file is checked whole before anything of it is stored. Its lines are kept as they are, under the file's head. The
//! key of an object follows from the batch, so a file that is imported twice is there once. Memory is that of one
//! batch, which is why the lines of a batch must stand together.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::DataType,
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use cauce_model::{BadValue, Market};
use cauce_protocols::legacy::{Layout, Row, SOURCE, run_id};
use cauce_raw::{Bundle, Envelope, Put, RawError, RawObject, RawZone, kind, lines};
use chrono::{DateTime, NaiveDate, Utc};
use csv::StringRecord;
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};
use serde::Serialize;
use thiserror::Error;

/// Why a file was not imported. What is wrong with the file itself is found before anything of it is stored.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file can't be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no CSV.
    #[error("{file}: {source}")]
    Csv {
        /// The file.
        file: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// The file is no Parquet.
    #[error("{file}: {source}")]
    Parquet {
        /// The file.
        file: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// The head is of no layout that is known.
    #[error("{file}: {source}")]
    Head {
        /// The file.
        file: PathBuf,
        /// What is missing.
        source: BadValue,
    },
    /// A line does not say which batch, market or time it is of.
    #[error("{file}, row {row}: {source}; nothing of the file was imported")]
    Row {
        /// The file.
        file: PathBuf,
        /// The row, from 1 below the head.
        row: u64,
        /// What is wrong.
        source: BadValue,
    },
    /// The lines of a batch do not stand together.
    #[error(
        "{file}, row {row}: batch {batch} was there before; export with ORDER BY batch_id, so that a batch stands \
         together; nothing of the file was imported"
    )]
    Scattered {
        /// The file.
        file: PathBuf,
        /// The row, from 1 below the head.
        row: u64,
        /// The batch.
        batch: String,
    },
    /// The lake has this batch with other lines.
    #[error(
        "{file}: {key} is in the lake with other lines of the same batch; a batch is imported whole, from one file; the \
         batches before it were imported"
    )]
    OtherLines {
        /// The file.
        file: PathBuf,
        /// The raw object that is there.
        key: String,
    },
    /// The raw zone failed.
    #[error(transparent)]
    Raw(#[from] RawError),
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Imported {
    /// Lines of the file below its head.
    pub rows: u64,
    /// Raw objects that they became.
    pub objects: u64,
    /// Those of them that are new.
    pub new: u64,
}

/// Imports one file, which was received at `received_at`.
pub async fn import_legacy(
    raw: &RawZone,
    file: &Path,
    received_at: DateTime<Utc>,
) -> Result<Imported, ImportError> {
    let mut batches = Batches::open(file, received_at)?;
    while batches.next()?.is_some() {}
    let mut imported = Imported { rows: batches.rows, ..Imported::default() };
    let mut batches = Batches::open(file, received_at)?;
    while let Some(objects) = batches.next()? {
        for object in objects {
            imported.objects += 1;
            if raw.put(&object).await? == Put::Created {
                imported.new += 1;
            } else if bodies(&raw.read(&object.id).await?)
                != bodies(&RawZone::decompress(&object.id, &object.bytes)?)
            {
                return Err(ImportError::OtherLines { file: file.to_owned(), key: object.id.key() });
            }
        }
    }
    Ok(imported)
}

/// What an object says, whatever the file was called.
fn bodies(object: &[u8]) -> Vec<Option<Vec<u8>>> {
    lines(object).map(|(_, line)| Some(Envelope::read_line(line).ok()?.body.bytes().to_vec())).collect()
}

/// Lines of one batch, market and day, and the time of the earliest.
#[derive(Debug)]
struct Group {
    first: DateTime<Utc>,
    text: String,
}

/// The batches of a file, one after the other, as raw objects.
struct Batches {
    file: PathBuf,
    received_at: DateTime<Utc>,
    lines: Lines,
    head: StringRecord,
    head_text: String,
    layout: Layout,
    rows: u64,
    ahead: Option<(StringRecord, String)>,
    finished: HashSet<String>,
}

impl Batches {
    fn open(file: &Path, received_at: DateTime<Utc>) -> Result<Self, ImportError> {
        let (head, head_text, lines) = Lines::open(file)?;
        let layout =
            Layout::of(&head).map_err(|source| ImportError::Head { file: file.to_owned(), source })?;
        Ok(Self {
            file: file.to_owned(),
            received_at,
            lines,
            head,
            head_text,
            layout,
            rows: 0,
            ahead: None,
            finished: HashSet::new(),
        })
    }

    /// The raw objects of the next batch; none at the end.
    fn next(&mut self) -> Result<Option<Vec<RawObject>>, ImportError> {
        let mut batch: Option<String> = None;
        let mut groups: BTreeMap<Option<Market>, Group> = BTreeMap::new();
        loop {
            let line = match self.ahead.take() {
                Some(line) => Some(line),
                None => self.lines.next(&self.file)?.inspect(|_| self.rows += 1),
            };
            let Some((fields, text)) = line else { break };
            let bad = |source| ImportError::Row { file: self.file.clone(), row: self.rows, source };
            let row = Row::new(&self.head, &fields);
            let name = row.batch().map_err(bad)?.to_owned();
            match &batch {
                None if self.finished.contains(&name) => {
                    let (file, row) = (self.file.clone(), self.rows);
                    return Err(ImportError::Scattered { file, row, batch: name });
                }
                None => batch = Some(name),
                Some(open) if *open == name => {}
                Some(_) => {
                    self.ahead = Some((fields, text));
                    break;
                }
            }
            let time = row.time(self.layout).map_err(bad)?;
            let market = match self.layout {
                Layout::Offers => Some(row.market().map_err(bad)?),
                Layout::Runs => None,
            };
            let group = groups
                .entry(market)
                .or_insert_with(|| Group { first: time, text: format!("{}\n", self.head_text) });
            group.first = group.first.min(time);
            group.text.push_str(&text);
            group.text.push('\n');
        }
        let Some(batch) = batch else { return Ok(None) };
        let objects = self.objects(&batch, groups)?;
        self.finished.insert(batch);
        Ok(Some(objects))
    }

    fn objects(
        &self,
        batch: &str,
        groups: BTreeMap<Option<Market>, Group>,
    ) -> Result<Vec<RawObject>, RawError> {
        let run = run_id(batch);
        let kind = match self.layout {
            Layout::Offers => kind::MARKET_SNAPSHOT,
            Layout::Runs => kind::RUN_REPORT,
        };
        let name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut days: BTreeMap<NaiveDate, Bundle> = BTreeMap::new();
        for (market, Group { first, text }) in groups {
            let day = first.date_naive();
            let mut envelope = Envelope::bare(text.into_bytes(), first);
            envelope.run_id = Some(run);
            envelope.market = market;
            envelope.received_at = Some(self.received_at);
            envelope.file = Some(Cow::Borrowed(&name));
            days.entry(day)
                .or_insert_with(|| Bundle::new(SOURCE, kind, day, &run.to_string()))
                .push(&envelope)?;
        }
        days.into_values().map(|bundle| bundle.seal_unique(self.layout.name())).collect()
    }
}

/// The lines of a file below its head, with their text.
enum Lines {
    Csv {
        reader: Box<csv::Reader<File>>,
        /// The same file, for the text of the lines.
        text: BufReader<File>,
        at: u64,
    },
    Parquet {
        batches: Box<parquet::arrow::arrow_reader::ParquetRecordBatchReader>,
        open: Option<(RecordBatch, usize)>,
    },
}

impl Lines {
    fn open(file: &Path) -> Result<(StringRecord, String, Self), ImportError> {
        let io = |source| ImportError::Io { file: file.to_owned(), source };
        let mut magic = [0; 4];
        let read = File::open(file).and_then(|mut file| file.read(&mut magic)).map_err(io)?;
        if &magic[..read] == b"PAR1" {
            return Self::parquet(file);
        }
        let wrong = |source| ImportError::Csv { file: file.to_owned(), source };
        let mut reader = csv::Reader::from_reader(File::open(file).map_err(io)?);
        let head = reader.headers().map_err(wrong)?.clone();
        let mut text = BufReader::new(File::open(file).map_err(io)?);
        let at = reader.position().byte();
        let head_text = take(&mut text, at).map_err(io)?;
        Ok((head, head_text, Self::Csv { reader: Box::new(reader), text, at }))
    }

    fn parquet(file: &Path) -> Result<(StringRecord, String, Self), ImportError> {
        let wrong = |source| ImportError::Parquet { file: file.to_owned(), source };
        let opened = File::open(file).map_err(|source| ImportError::Io { file: file.to_owned(), source })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(wrong)?;
        let names = builder.schema().fields().iter().map(|field| field.name().as_str());
        let head: StringRecord = names.collect();
        let batches = Box::new(builder.build().map_err(wrong)?);
        Ok((head.clone(), csv_line(&head), Self::Parquet { batches, open: None }))
    }

    fn next(&mut self, file: &Path) -> Result<Option<(StringRecord, String)>, ImportError> {
        match self {
            Self::Csv { reader, text, at } => {
                let mut fields = StringRecord::new();
                let wrong = |source| ImportError::Csv { file: file.to_owned(), source };
                if !reader.read_record(&mut fields).map_err(wrong)? {
                    return Ok(None);
                }
                let end = reader.position().byte();
                let line = take(text, end - *at);
                *at = end;
                let io = |source| ImportError::Io { file: file.to_owned(), source };
                Ok(Some((fields, line.map_err(io)?)))
            }
            Self::Parquet { batches, open } => loop {
                if let Some((batch, row)) = open
                    && *row < batch.num_rows()
                {
                    let wrong = |source: ArrowError| ImportError::Parquet {
                        file: file.to_owned(),
                        source: source.into(),
                    };
                    let fields = fields(batch, *row).map_err(wrong)?;
                    *row += 1;
                    let line = csv_line(&fields);
                    return Ok(Some((fields, line)));
                }
                match batches.next() {
                    None => return Ok(None),
                    Some(batch) => {
                        let wrong = |source: ArrowError| ImportError::Parquet {
                            file: file.to_owned(),
                            source: source.into(),
                        };
                        *open = Some((batch.map_err(wrong)?, 0));
                    }
                }
            },
        }
    }
}

/// The next so many bytes as text, without the end of the line.
fn take(text: &mut impl Read, bytes: u64) -> io::Result<String> {
    let mut line = Vec::new();
    text.take(bytes).read_to_end(&mut line)?;
    let line = String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(line.trim_start_matches(['\u{feff}', '\n', '\r']).trim_end_matches(['\n', '\r']).to_owned())
}

/// A row of Parquet as fields of CSV: times as RFC 3339, lists as JSON, nothing for null.
fn fields(batch: &RecordBatch, row: usize) -> Result<StringRecord, ArrowError> {
    let options = FormatOptions::default();
    let field = |column: &dyn Array| -> Result<String, ArrowError> {
        if column.is_null(row) {
            return Ok(String::new());
        }
        let items = match column.data_type() {
            DataType::List(_) => Some(column.as_list::<i32>().value(row)),
            DataType::LargeList(_) => Some(column.as_list::<i64>().value(row)),
            DataType::FixedSizeList(..) => Some(column.as_fixed_size_list().value(row)),
            _ => None,
        };
        if let Some(items) = items {
            let shown = ArrayFormatter::try_new(items.as_ref(), &options)?;
            let there = (0..items.len()).filter(|item| items.is_valid(*item));
            let items: Vec<String> = there.map(|item| shown.value(item).to_string()).collect();
            return Ok(serde_json::json!(items).to_string());
        }
        Ok(ArrayFormatter::try_new(column, &options)?.value(row).to_string())
    };
    batch.columns().iter().map(|column| field(column.as_ref())).collect()
}

fn csv_line(fields: &StringRecord) -> String {
    let quoted = |field: &str| match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(",")
}
