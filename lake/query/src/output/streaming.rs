use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    ipc::writer::StreamWriter,
};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::{
    csv_head, csv_rows,
    format::{EncodeError, Format, narrow_columns, parquet_properties, plain_schema},
    json_rows,
};

/// Rows in a format, batch by batch, in memory of one batch: what is given back goes out at once.
pub struct Streaming {
    format: Format,
    schema: SchemaRef,
    sink: Sink,
    is_first: bool,
}

enum Sink {
    Text,
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Streaming {
    /// For rows with these columns.
    pub fn new(format: Format, schema: SchemaRef) -> Result<Self, EncodeError> {
        let plain: SchemaRef = Arc::new(plain_schema(&schema));
        let sink = match format {
            Format::Json | Format::Ndjson | Format::Csv => Sink::Text,
            Format::Parquet => {
                Sink::Parquet(Box::new(ArrowWriter::try_new(Vec::new(), plain, Some(parquet_properties()))?))
            }
            Format::Arrow => Sink::Arrow(Box::new(StreamWriter::try_new(Vec::new(), &plain)?)),
        };
        Ok(Self { format, schema, sink, is_first: true })
    }

    /// What comes before the rows. JSON is an object with `columns` and `rows`.
    pub fn begin(&mut self) -> Result<Vec<u8>, EncodeError> {
        Ok(match self.format {
            Format::Json => format!("{{\"columns\":{},\"rows\":[", columns(&self.schema)).into_bytes(),
            Format::Csv => csv_head(&self.schema)?,
            Format::Ndjson | Format::Parquet | Format::Arrow => self.taken(),
        })
    }

    /// Some rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        match &mut self.sink {
            Sink::Text => match self.format {
                Format::Csv => bytes = csv_rows(batch)?,
                format => {
                    for row in json_rows(std::slice::from_ref(batch)) {
                        if format == Format::Json && !std::mem::take(&mut self.is_first) {
                            bytes.push(b',');
                        }
                        serde_json::to_writer(&mut bytes, &row)?;
                        if format == Format::Ndjson {
                            bytes.push(b'\n');
                        }
                    }
                }
            },
            Sink::Parquet(writer) => writer.write(&narrow_columns(batch)?)?,
            Sink::Arrow(writer) => writer.write(&narrow_columns(batch)?)?,
        }
        bytes.append(&mut self.taken());
        Ok(bytes)
    }

    /// What comes after the rows.
    pub fn finish(mut self) -> Result<Vec<u8>, EncodeError> {
        match &mut self.sink {
            Sink::Text => {}
            Sink::Parquet(writer) => {
                writer.finish()?;
            }
            Sink::Arrow(writer) => writer.finish()?,
        }
        let mut bytes = self.taken();
        if self.format == Format::Json {
            bytes.extend_from_slice(b"]}");
        }
        Ok(bytes)
    }

    /// What the writer has written so far.
    fn taken(&mut self) -> Vec<u8> {
        match &mut self.sink {
            Sink::Text => Vec::new(),
            Sink::Parquet(writer) => std::mem::take(writer.inner_mut()),
            Sink::Arrow(writer) => std::mem::take(writer.get_mut()),
        }
    }
}

fn columns(schema: &Schema) -> String {
    let column = |field: &arrow::datatypes::FieldRef| json!({ "name": field.name(), "type": field.data_type().to_string() });
    json!(schema.fields().iter().map(column).collect::<Vec<_>>()).to_string()
}
