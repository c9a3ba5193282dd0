//! `seal`, `collect`, `replay` and `rebuild`: what `up` does on its schedule, by hand.

use std::sync::Arc;

use cauce_maintain::{Change, Collected, Rebuild, Rebuilt, Replayed, SealReport};
use cauce_tables::{Days, Parts, Planner};
use cauce_world::World;
use chrono::Utc;

use crate::{
    Done,
    args::{self, Collect, Replay, Seal},
};

/// Merges and seals days.
pub(crate) async fn seal(world: &World, asked: &Seal) -> anyhow::Result<Done> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let days = Days { first: asked.since, last: asked.until };
    let SealReport { sealed, waiting } = maintainer.seal(days, Utc::now(), asked.dry_run).await?;
    if asked.json {
        println!("{}", serde_json::to_string(&SealReport { sealed, waiting })?);
        return Ok(Done::Whole);
    }
    let did = if asked.dry_run { "would seal" } else { "sealed" };
    for seal in &sealed {
        println!("{did} {}: {} rows of {} raw objects", seal.path, seal.rows, seal.objects);
    }
    for day in &waiting {
        println!(
            "left open {} of {}: {} raw objects are not normalized; sealed without them after {}",
            day.table, day.date, day.missing, day.until
        );
    }
    if sealed.is_empty() && waiting.is_empty() {
        println!("nothing to seal: every day that is over is sealed");
    }
    Ok(Done::Whole)
}

/// Deletes what nobody needs.
pub(crate) async fn collect(world: &World, asked: &Collect) -> anyhow::Result<Done> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let collected = maintainer.collect(Utc::now(), asked.dry_run).await?;
    if asked.json {
        println!("{}", serde_json::to_string(&collected)?);
        return Ok(Done::Whole);
    }
    let did = if asked.dry_run { "would delete" } else { "deleted" };
    for Collected { path, bytes, reason } in &collected {
        println!("{did} {path} ({bytes} bytes): {}", reason.words());
    }
    let bytes: u64 = collected.iter().map(|object| object.bytes).sum();
    println!("{did} {} objects, {bytes} bytes", collected.len());
    Ok(Done::Whole)
}

/// Reads raw objects again with the rules of today.
pub(crate) async fn replay(world: &World, asked: &Replay) -> anyhow::Result<Done> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let days = Days { first: asked.since, last: asked.until };
    let replayed = maintainer.replay(days, asked.source.as_deref(), Utc::now(), asked.dry_run).await?;
    let done = if replayed.carried_over.is_empty() { Done::Whole } else { Done::Partly };
    if asked.json {
        println!("{}", serde_json::to_string(&replayed)?);
        return Ok(done);
    }
    let Replayed { read, carried_over, tables } = &replayed;
    println!("{read} raw objects read again");
    for table in tables {
        let difference = &table.difference;
        println!(
            "{}: {} rows added, {} removed, {} changed",
            table.table, difference.added, difference.removed, difference.changed
        );
        if difference.understood > 0 {
            println!("  {} payment events are understood now", difference.understood);
        }
        for change in &difference.examples {
            print(if change.old.is_none() { "  added  " } else { "  removed" }, change);
        }
        for column in &difference.columns {
            println!("  {} changed in {} rows", column.column, column.rows);
            for change in &column.examples {
                print("   ", change);
            }
        }
        let did = if asked.dry_run { "would rewrite" } else { "rewrote" };
        for path in &table.rewritten {
            println!("  {did} {path}");
        }
    }
    if tables.is_empty() {
        println!("nothing differs");
    }
    for (raw_id, reason) in carried_over {
        println!("left as it was: {raw_id}: {reason}");
    }
    Ok(done)
}

/// Makes a derived table anew.
pub(crate) async fn rebuild(world: &World, asked: &args::Rebuild) -> anyhow::Result<Done> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let which = if asked.stale { Rebuild::Stale } else { Rebuild::All };
    let rebuilt = match asked.table.parts() {
        // The journal's tables are made together.
        Parts::Accounts => maintainer.analyze(&world.accounts().all().await?, which).await?,
        Parts::One | Parts::Days => maintainer.rebuild(asked.table, which, Utc::now()).await?,
    };
    said(&rebuilt, asked.json)
}

/// Makes trades, positions and figures of accounts anew where something changed.
pub(crate) async fn analyze(world: &World, asked: &args::Analyze) -> anyhow::Result<Done> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let which = if asked.all { Rebuild::All } else { Rebuild::Stale };
    said(&maintainer.analyze(&world.accounts().all().await?, which).await?, asked.json)
}

fn said(rebuilt: &[Rebuilt], json: bool) -> anyhow::Result<Done> {
    if json {
        println!("{}", serde_json::to_string(rebuilt)?);
        return Ok(Done::Whole);
    }
    for object in rebuilt {
        println!("made {}: {} rows", object.path, object.rows);
    }
    if rebuilt.is_empty() {
        println!("nothing to make");
    }
    Ok(Done::Whole)
}

fn print(kind: &str, change: &Change) {
    let Change { raw_id, row, old, new } = change;
    match (old, new) {
        (Some(old), Some(new)) => println!("{kind} {row}: {old} -> {new}   ({raw_id})"),
        _ => println!("{kind} {row}   ({raw_id})"),
    }
}
