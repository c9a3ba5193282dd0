use std::time::Duration;

use anyhow::Context;
use cauce_maintain::export;
use cauce_raw::Durability;
use cauce_world::{World, open_store};
use indicatif::ProgressBar;

use crate::{Done, args::Export};

/// Copies the lake to another place.
pub(crate) async fn run(world: &World, asked: &Export) -> anyhow::Result<Done> {
    let to = open_store(&asked.to, Durability::Full).await?;
    // Shown only where a terminal is attached.
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    let exported = export(&world.store, &to, |zone| {
        bar.inc(1);
        bar.set_message(format!("{zone}: {} objects", bar.position()));
    })
    .await
    .with_context(|| format!("export to {}", asked.to))?;
    bar.finish_and_clear();
    if asked.json {
        println!("{}", serde_json::to_string(&exported)?);
        return Ok(Done::Whole);
    }
    println!(
        "copied and verified {} objects, {} bytes; {} were there already and are the same",
        exported.copied, exported.bytes, exported.same
    );
    if exported.gone > 0 {
        println!("{} went away meanwhile: run it again for what covers them now", exported.gone);
        return Ok(Done::Partly);
    }
    Ok(Done::Whole)
}
