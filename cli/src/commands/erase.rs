use std::time::Duration;

use anyhow::{Context, anyhow};
use cauce_maintain::Erased;
use cauce_normalize::Subject;
use cauce_world::World;
use chrono::Utc;
use object_store::{ObjectStoreExt, path::Path};
use serde_json::json;

use crate::{Done, args::Erase, lake_of};

/// What keeps copies that nobody can reach from here.
const ELSEWHERE: &str = "names of files in keys, what waits or was refused in inbox/, rows whose raw objects a retention let go, copies made by \
                         cauce export, backups and snapshots of disks, the bucket's own versions if somebody \
                         switched them on, the database that was taken over, and the providers themselves";

/// Takes one person out of the lake, twice; what was done is kept under `erasures/`, without a name.
pub(crate) async fn run(world: &World, asked: &Erase) -> anyhow::Result<Done> {
    let subject = Subject::new(asked.subject.clone()).map_err(|why| anyhow!("--subject: {why}"))?;
    let maintainer = world.maintainer(lake_of(world).planner().clone())?;
    let begun = Utc::now();
    let mut passes = vec![maintainer.erase(&subject, begun, asked.dry_run).await?];
    if !asked.dry_run {
        // As long as whoever reads raw objects may take until their rows are written.
        let workers = Duration::from_secs(if world.config.aws.queue_url.is_some() { 15 * 60 } else { 30 });
        let wait = asked.again_after.unwrap_or(workers);
        if !asked.json {
            show(&passes[0], false);
            println!("looking again in {} for rows that were on their way", humantime::format_duration(wait));
        }
        tokio::time::sleep(wait).await;
        passes.push(maintainer.erase(&subject, Utc::now(), false).await?);
    }
    let unreadable = passes.iter().any(|pass| !pass.unreadable.is_empty());
    let report = json!({
        "begun_at": begun, "ended_at": Utc::now(), "dry_run": asked.dry_run, "passes": passes, "may_still_hold": ELSEWHERE,
    });
    if !asked.dry_run {
        let place = Path::from(format!("erasures/{}.json", begun.format("%Y%m%dT%H%M%S%3fZ")));
        let put = world.store.put(&place, serde_json::to_vec_pretty(&report)?.into()).await;
        put.with_context(|| format!("everything is erased, but the report {place} could not be kept"))?;
    }
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        if let Some(last) = passes.last() {
            show(last, asked.dry_run);
        }
        println!("may still hold something: {ELSEWHERE}");
    }
    Ok(if unreadable { Done::Partly } else { Done::Whole })
}

fn show(pass: &Erased, dry_run: bool) {
    let records: u64 = pass.raw.values().sum();
    let (are, objects) = (if dry_run { "would be" } else { "are" }, pass.raw.len());
    println!("{records} records in {objects} of {} raw objects {are} erased", pass.searched);
    if pass.whole_bodies > 0 {
        println!(
            "of them {} bodies whole, with others' records: they have neither lines nor elements",
            pass.whole_bodies
        );
    }
    if !dry_run {
        println!(
            "{} files of tables written again, {} deleted, {} derived tables made again",
            pass.rewritten.len(),
            pass.deleted.len(),
            pass.derived.len()
        );
    }
    for raw_id in &pass.unreadable {
        println!("{raw_id} can't be read, or not all of it: nobody knows whom it names");
    }
}
