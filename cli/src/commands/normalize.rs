use cauce_worker::Drained;
use cauce_world::World;
use indicatif::ProgressBar;
use tokio::sync::Notify;

use crate::{Done, args::Normalize, commands::demo::style, serving};

/// Drains the queue.
pub(crate) async fn run(world: &World, normalize: &Normalize) -> anyhow::Result<Done> {
    let worker = world.worker();
    if normalize.follow {
        // Payments, and the journal, are made by who maintains.
        let (events, trades) = (Notify::new(), Notify::new());
        tokio::select! {
            ended = serving::normalize(&worker, &events, &trades) => ended?,
            asked = serving::asked_to_stop() => asked?,
        }
        return Ok(Done::Whole);
    }
    let waiting = world.queue.stats().await?.waiting;
    let bar = ProgressBar::new(u64::from(waiting)).with_style(style()?).with_message("objects");
    let shown = bar.clone();
    let drained = worker.drain_all(move |so_far: &Drained| shown.set_position(so_far.done)).await?;
    bar.finish_and_clear();
    if normalize.json {
        println!("{}", serde_json::to_string(&drained)?);
    } else {
        let Drained { messages, done, failed, offers, events, trades, bytes } = drained;
        println!(
            "{done} of {messages} raw objects done, {failed} failed; {offers} offers, {events} payment events and {trades} trades \
             from {bytes} bytes"
        );
    }
    Ok(if drained.failed == 0 { Done::Whole } else { Done::Partly })
}
