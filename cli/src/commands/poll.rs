use anyhow::Context;
use cauce_world::World;

use crate::{Done, args::Poll, serving};

/// Takes over the events that the system before keeps in PostgreSQL: once, or again and again.
pub(crate) async fn run(world: &World, poll: &Poll) -> anyhow::Result<Done> {
    let poller = world.poller().await?;
    let poller = poller.context("no database is configured; [poller] url = \"env:NAME\" says where it is")?;
    if !poll.once {
        tokio::select! {
            ended = serving::polling(world) => ended?,
            asked = serving::asked_to_stop() => asked?,
        }
        return Ok(Done::Whole);
    }
    let polled = poller.poll(None).await?;
    if poll.json {
        println!("{}", serde_json::to_string_pretty(&polled)?);
    } else {
        println!("{} rows stored and marked, {} of them stored before", polled.stored, polled.known);
        for (id, why) in &polled.refused {
            println!("row {id} is not marked: {why}");
        }
    }
    Ok(if polled.refused.is_empty() { Done::Whole } else { Done::Partly })
}
