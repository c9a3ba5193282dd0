use anyhow::Context;
use cauce_world::World;
use chrono::{DateTime, Utc};

use crate::{
    Done,
    args::{DeadLetters, DeadLettersAction},
};

/// What could not be handled, and why; or another chance for it.
pub(crate) async fn run(world: &World, asked: &DeadLetters) -> anyhow::Result<Done> {
    let inbox = || world.inbox.as_deref().context("this lake has no inbox with a queue; [aws] names it");
    let unread = || world.unread.as_deref().context("no model is configured, so no event waits for one");
    let queue = match (asked.inbox, asked.model) {
        (true, _) => inbox()?,
        (_, true) => unread()?,
        _ => &*world.queue,
    };
    match &asked.action {
        None | Some(DeadLettersAction::List) => {
            let letters = queue.dead_letters().await?;
            if asked.json {
                println!("{}", serde_json::to_string_pretty(&letters)?);
                return Ok(Done::Whole);
            }
            println!("{} dead letters", letters.len());
            for letter in letters {
                println!("{}  died {}  {}", letter.id, when(letter.died_at), letter.body);
                for attempt in letter.attempts {
                    println!("    {}  {}", when(attempt.at), attempt.reason);
                }
            }
        }
        Some(DeadLettersAction::Redrive { ids }) => {
            let chosen = (!ids.is_empty()).then_some(ids.as_slice());
            let count = queue.redrive(chosen).await?;
            if asked.json {
                println!("{}", serde_json::json!({ "redriven": count }));
            } else {
                println!("{count} messages put back; they are tried again");
            }
        }
    }
    Ok(Done::Whole)
}

fn when(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "at an unknown time".to_owned(), |time| time.to_string())
}
