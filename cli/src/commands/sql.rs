use std::{io::Write, sync::Arc};

use cauce_query::{Format as Rows, Lake, table};
use cauce_world::World;

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
        Format::Json => {
            let mut bytes = Rows::Json.encode(&batches)?;
            bytes.push(b'\n');
            bytes
        }
        Format::Ndjson => Rows::Ndjson.encode(&batches)?,
        Format::Csv => Rows::Csv.encode(&batches)?,
        Format::Parquet => Rows::Parquet.encode(&batches)?,
        Format::Arrow => Rows::Arrow.encode(&batches)?,
    };
    match std::io::stdout().write_all(&bytes) {
        // The reader has seen enough: `cauce sql … | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Done::Whole),
        written => Ok(written.map(|()| Done::Whole)?),
    }
}
