use std::sync::Arc;

use anyhow::Context;
use cauce_access::{Tokens, Users};
use cauce_world::World;
use chrono::{TimeDelta, Utc};

use crate::{Done, args::Token};

/// A token without a password: whoever has the ledger is trusted.
pub(crate) async fn run(world: &World, asked: &Token) -> anyhow::Result<Done> {
    let (tokens, now) = (Tokens::new(Arc::clone(&world.ledger)), Utc::now());
    if asked.rotate {
        tokens.rotate(now).await?;
        println!("tokens are signed by a new key from now on");
    }
    if let Some(name) = &asked.user {
        let user = Users::get(&*world.ledger, name).await?;
        let user = user.with_context(|| format!("there is no user {name}; cauce user list shows all"))?;
        let issued = tokens.issue(&user, TimeDelta::from_std(asked.expires_in)?, now).await?;
        println!("token of {name}, good until {}:", issued.expires_at);
        println!("{}", issued.token);
    }
    Ok(Done::Whole)
}
