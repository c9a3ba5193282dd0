use cauce_ledger::{AccountBook, Pause};
use cauce_model::Account;
use cauce_protocols::brokers;
use cauce_world::World;

use crate::{
    Done,
    args::{self, AccountAction},
};

/// Accounts at brokers.
pub(crate) async fn run(world: &World, asked: args::Account) -> anyhow::Result<Done> {
    let (ledger, accounts) = (&*world.ledger, world.accounts());
    match asked.action {
        AccountAction::Put(said) => {
            anyhow::ensure!(
                !accounts.is_configured(&said.id),
                "the account '{}' is in the configuration, and is changed there",
                said.id
            );
            let known = accounts.get(&said.id).await?.unwrap_or_else(|| Account::bare(said.id.clone()));
            let account = said.over(known);
            brokers::check(&account).map_err(anyhow::Error::msg)?;
            let did = if AccountBook::put(ledger, &account).await? { "made" } else { "changed" };
            let (id, how) = match account.fetch {
                Some(_) => {
                    (&account.id, "cauce fetch --account ID asks for its trades, and cauce up by itself")
                }
                None => (&account.id, "cauce import --account ID FILE … imports its trades"),
            };
            println!("{did} {id}; {}", how.replace("ID", id.as_str()));
        }
        AccountAction::List { json: true } => {
            println!(
                "{}",
                serde_json::to_string_pretty(&accounts.all().await?.into_values().collect::<Vec<_>>())?
            );
        }
        AccountAction::List { json: false } => {
            let paused = Pause::all(ledger).await?;
            for account in accounts.all().await?.into_values() {
                let pause = paused.iter().find(|pause| pause.account_id == account.id);
                let state = match (pause, account.enabled) {
                    (Some(pause), _) => format!("paused since {}: {}", pause.since, pause.reason),
                    (None, true) => "enabled".to_owned(),
                    (None, false) => "disabled".to_owned(),
                };
                let broker = account.broker.unwrap_or_default();
                let zone = account.files.time_zone.unwrap_or_default();
                println!("{:<24} {broker:<16} {zone:<24} {state}", account.id.as_str());
            }
        }
        AccountAction::Remove { id } => {
            anyhow::ensure!(
                !accounts.is_configured(&id),
                "the account '{id}' is in the configuration; remove it there"
            );
            if !AccountBook::remove(ledger, &id).await? {
                println!("there is no account {id}; cauce account list shows all");
                return Ok(Done::Not);
            }
            println!("{id} is forgotten; its trades stay in the lake");
        }
        AccountAction::Resume { id } => match Pause::lift(ledger, &id).await? {
            true => println!("{id} is asked again"),
            false => println!("{id} was not paused"),
        },
    }
    Ok(Done::Whole)
}
