use std::{io::Write, sync::Arc};

use cauce_query::{Lake, csv, json_rows, table};
use cauce_world::World;
use parquet::arrow::ArrowWriter;

use crate::{
    Done,
    args::{Format, Sql},
    lake_of,
};

/// Answers a query on standard output.
pub(crate) async fn run(world: &World, sql: &Sql) -> anyhow::Result<Done> {
    let lake = match sql.as_of {
        Some(time) => Lake::as_of(Arc::clone(&world.store), time),
        None => lake_of(world),
    };
    let batches = lake.sql(&sql.query).await?;
    let bytes = match sql.format {
        Format::Table => format!("{}\n", table(&batches)?).into_bytes(),
        Format::Json => format!("{}\n", serde_json::to_string(&json_rows(&batches))?).into_bytes(),
        Format::Csv => csv(&batches)?,
        Format::Parquet => {
            let mut bytes = Vec::new();
            if let Some(first) = batches.first() {
                let mut writer = ArrowWriter::try_new(&mut bytes, first.schema(), None)?;
                for batch in &batches {
                    writer.write(batch)?;
                }
                writer.close()?;
            }
            bytes
        }
    };
    match std::io::stdout().write_all(&bytes) {
        // The reader has seen enough: `cauce sql … | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Done::Whole),
        written => Ok(written.map(|()| Done::Whole)?),
    }
}
