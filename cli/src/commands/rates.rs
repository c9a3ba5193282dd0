use anyhow::Context;
use cauce_world::World;

use crate::Done;

/// Asks the configured service what currencies are worth.
pub(crate) async fn run(world: &World) -> anyhow::Result<Done> {
    let kept = world.fetch_rates().await?;
    let kept = kept.context("no service is configured; [rates] url = \"https://…\" says where one is")?;
    println!("{kept}");
    Ok(Done::Whole)
}
