use std::{borrow::Cow, fs, path::Path};

use anyhow::Context;
use cauce_protocols::legacy;
use cauce_raw::{Bundle, Envelope, Put, kind};
use cauce_sources::{Imported, import_legacy};
use chrono::Utc;
use serde_json::json;

use crate::{Done, args::Ingest, world::World};

/// Keeps files verbatim in the raw zone. A file that can't be read stops nothing but itself.
pub(crate) async fn run(world: &World, ingest: &Ingest) -> anyhow::Result<Done> {
    if ingest.source == legacy::SOURCE {
        return import(world, ingest).await;
    }
    let mut stored = Vec::new();
    let mut failed = 0;
    for file in &ingest.files {
        match store(world, ingest, file).await {
            Ok((key, put)) => {
                let new = put == Put::Created;
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

async fn store(world: &World, ingest: &Ingest, file: &Path) -> anyhow::Result<(String, Put)> {
    let bytes = fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let at = ingest.fetched_at.unwrap_or_else(Utc::now);
    let mut bundle = Bundle::new(&ingest.source, kind::FILE, at.date_naive(), &at.format("%H").to_string());
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut envelope = Envelope::bare(bytes, at);
    envelope.file = Some(Cow::Owned(name.clone()));
    envelope.received_at = Some(Utc::now());
    bundle.push(&envelope)?;
    let object = bundle.seal(&plain(&name))?;
    let put = world.raw().put(&object).await?;
    Ok((object.id.key(), put))
}

/// A file's name as part of a key: what is not plain becomes a dash.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(kept).take(60).collect();
    if text.is_empty() { "file".to_owned() } else { text }
}
