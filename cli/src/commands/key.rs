use cauce_access::{ApiKey, ApiKeys, KeyTerms};
use cauce_world::World;
use chrono::{TimeDelta, Utc};

use crate::{
    Done,
    args::{Key, KeyAction},
};

/// Keys of programs.
pub(crate) async fn run(world: &World, asked: &Key) -> anyhow::Result<Done> {
    let (ledger, now) = (&*world.ledger, Utc::now());
    match &asked.action {
        KeyAction::Add { name, scope, expires_in, per_minute, trying } => {
            let expires_at = expires_in.map(TimeDelta::from_std).transpose()?.map(|time| now + time);
            let per_minute = per_minute.or(trying.then_some(KeyTerms::TRYING));
            let terms = KeyTerms { scopes: scope.clone(), expires_at, per_minute };
            let (key, text) = ApiKeys::add(ledger, name, terms, now).await?;
            println!("key {} of {name}; it is shown this once:", key.id);
            println!("{text}");
        }
        KeyAction::List { json: true } => {
            let keys: Vec<_> = ApiKeys::all(ledger).await?.iter().map(ApiKey::shown).collect();
            println!("{}", serde_json::to_string_pretty(&keys)?);
        }
        KeyAction::List { json: false } => {
            for key in ApiKeys::all(ledger).await? {
                let scopes: Vec<String> = key.scopes.iter().map(ToString::to_string).collect();
                let state = match (key.revoked_at, key.expires_at) {
                    (Some(at), _) => format!("revoked {at}"),
                    (None, Some(at)) if at <= now => format!("expired {at}"),
                    (None, Some(at)) => format!("good until {at}"),
                    (None, None) => "good".to_owned(),
                };
                println!("{}  {:<20} {:<30} {state}", key.id, key.name, scopes.join(" "));
            }
        }
        KeyAction::Revoke { ids } => {
            let mut missing = 0;
            for id in ids {
                if ApiKeys::revoke(ledger, id, now).await? {
                    println!("{id} is revoked");
                } else {
                    missing += 1;
                    println!("there is no key {id}; cauce key list shows all");
                }
            }
            return Ok(match missing {
                0 => Done::Whole,
                missing if missing == ids.len() => Done::Not,
                _ => Done::Partly,
            });
        }
    }
    Ok(Done::Whole)
}
