use std::{fs, path::Path};

use anyhow::Context;
use cauce_intake::{Brought, Kept};
use cauce_protocols::legacy;
use cauce_sources::{Imported, import_legacy};
use cauce_world::World;
use chrono::Utc;
use serde_json::json;

use crate::{Done, args::Ingest};

/// Keeps files verbatim in the raw zone. A file that can't be read stops nothing but itself.
pub(crate) async fn run(world: &World, ingest: &Ingest) -> anyhow::Result<Done> {
    if ingest.source == legacy::SOURCE {
        return import(world, ingest).await;
    }
    let mut stored = Vec::new();
    let mut failed = 0;
    for file in &ingest.files {
        match store(world, ingest, file).await {
            Ok(Kept { id, is_new: new }) => {
                let key = id.key();
                if !ingest.json {
                    let note = if new { "" } else { " (was there already)" };
                    println!("{} -> {key}{note}", file.display());
                }
                stored.push(json!({ "file": file, "key": key, "new": new }));
            }
            Err(error) => {
                failed += 1;
                tracing::error!(file = %file.display(), error = format!("{error:#}"), "file was not ingested");
                stored.push(json!({ "file": file, "error": format!("{error:#}") }));
            }
        }
    }
    if ingest.json {
        println!("{}", serde_json::to_string_pretty(&stored)?);
    } else {
        println!(
            "{} of {} files stored; cauce normalize makes them facts",
            ingest.files.len() - failed,
            ingest.files.len()
        );
    }
    Ok(ended(failed, ingest.files.len()))
}

/// Takes exports of the warehouse before Cauce apart, by batch and day.
async fn import(world: &World, ingest: &Ingest) -> anyhow::Result<Done> {
    anyhow::ensure!(
        ingest.fetched_at.is_none(),
        "--fetched-at is not for {}: its rows say their times",
        legacy::SOURCE
    );
    let mut failed = 0;
    let mut done = Vec::new();
    for file in &ingest.files {
        match import_legacy(&world.raw(), file, Utc::now()).await {
            Ok(imported) => {
                if !ingest.json {
                    let Imported { rows, objects, new } = imported;
                    println!("{}: {rows} rows in {objects} raw objects, {new} of them new", file.display());
                }
                done.push(json!({ "file": file, "imported": imported }));
            }
            Err(error) => {
                failed += 1;
                tracing::error!(error = format!("{error:#}"), "file was not imported");
                done.push(json!({ "file": file, "error": format!("{error:#}") }));
            }
        }
    }
    if ingest.json {
        println!("{}", serde_json::to_string_pretty(&done)?);
    } else {
        println!(
            "{} of {} files imported; cauce normalize makes them facts",
            ingest.files.len() - failed,
            ingest.files.len()
        );
    }
    Ok(ended(failed, ingest.files.len()))
}

fn ended(failed: usize, all: usize) -> Done {
    match failed {
        0 => Done::Whole,
        failed if failed == all => Done::Not,
        _ => Done::Partly,
    }
}

async fn store(world: &World, ingest: &Ingest, file: &Path) -> anyhow::Result<Kept> {
    let bytes = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let brought = Brought {
        source: &ingest.source,
        name: Some(&name),
        fetched_at: ingest.fetched_at.unwrap_or_else(Utc::now),
        bytes: &bytes,
    };
    Ok(world.intake().keep(&brought).await?)
}
