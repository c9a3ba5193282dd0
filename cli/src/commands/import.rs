use std::{fs, path::Path, sync::Arc};

use anyhow::Context;
use cauce_importer::{FileRow, Imported, RowStatus, Tried};
use cauce_tables::Planner;
use cauce_world::World;
use chrono::Utc;
use serde_json::{Value, json};

use crate::{Done, args::Import};

/// Imports files of trades, or says what that would do. A file that can't be read stops no other.
pub(crate) async fn run(world: &World, asked: &Import) -> anyhow::Result<Done> {
    let account = world.accounts().get(&asked.account).await?.with_context(|| {
        format!(
            "there is no account '{0}'; cauce account put {0} makes it, or [[accounts]] of the configuration",
            asked.account
        )
    })?;
    let importer = world.importer(Planner::new(Arc::clone(&world.store)));
    let (mut done, mut failed, mut broken) = (Vec::new(), 0, 0);
    for file in &asked.files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let read = fs::read(file).with_context(|| format!("{} can't be read", file.display()));
        let outcome = match (read, asked.dry_run) {
            (Err(error), _) => Err(error),
            (Ok(bytes), true) => importer
                .try_file(&account, &name, &bytes, Utc::now())
                .await
                .map(|tried| (tried, None))
                .map_err(Into::into),
            (Ok(bytes), false) => importer
                .import_file(&account, &name, &bytes, Utc::now())
                .await
                .map(|Imported { tried, raw_id, .. }| (tried, Some(raw_id)))
                .map_err(Into::into),
        };
        match outcome {
            Ok((tried, raw_id)) => {
                broken += tried.errors;
                if !asked.json {
                    print(file, &tried, asked.rows || asked.dry_run, raw_id.is_some());
                }
                let mut value = json!(tried);
                value["file"] = json!(file);
                value["raw_id"] = json!(raw_id);
                done.push(value);
            }
            Err(error) => {
                failed += 1;
                tracing::error!(file = %file.display(), error = format!("{error:#}"), "file was not imported");
                done.push(json!({ "file": file, "error": format!("{error:#}") }));
            }
        }
    }
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&Value::Array(done))?);
    } else if asked.dry_run {
        println!("nothing was kept: it was a dry run");
    } else if failed < asked.files.len() {
        println!(
            "cauce normalize makes them facts, and cauce analyze positions and figures; cauce up does both"
        );
    }
    Ok(match failed {
        0 if broken == 0 => Done::Whole,
        failed if failed == asked.files.len() => Done::Not,
        _ => Done::Partly,
    })
}

fn print(file: &Path, tried: &Tried, with_rows: bool, is_done: bool) {
    let Tried { title, new, duplicates, skipped, errors, rows, .. } = tried;
    let verb = if is_done { "imported" } else { "would import" };
    println!(
        "{}: {title}: {verb} {new} new trades; {duplicates} known already, {skipped} rows are no trades, {errors} can't be read",
        file.display()
    );
    for row in rows.iter().filter(|row| with_rows || row.status == RowStatus::Error) {
        println!("  row {:<6} {:<10} {}", row.row, word(row.status), about(row));
    }
}

fn word(status: RowStatus) -> &'static str {
    match status {
        RowStatus::New => "new",
        RowStatus::Duplicate => "duplicate",
        RowStatus::Skipped => "no trade",
        RowStatus::Error => "error",
    }
}

fn about(row: &FileRow) -> String {
    if let Some(reason) = &row.reason {
        return reason.clone();
    }
    let text = |value: Option<String>| value.unwrap_or_default();
    let fees: Vec<String> = row.fees.iter().map(|fee| format!("{} {}", fee.amount, fee.asset)).collect();
    let fees = if fees.is_empty() { String::new() } else { format!(", fee {}", fees.join(" and ")) };
    format!(
        "{} {} {} {} at {}{fees}",
        text(row.executed_at.map(|at| at.to_rfc3339())),
        text(row.side.map(|side| side.to_string())),
        text(row.quantity.map(|quantity| quantity.to_string())),
        text(row.symbol.clone()),
        text(row.price.map(|price| price.to_string())),
    )
}
