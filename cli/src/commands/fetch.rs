use std::{collections::BTreeSet, sync::Arc, time::Instant};

use anyhow::Context;
use cauce_importer::Cycle;
use cauce_model::RunStatus;
use cauce_tables::Planner;
use cauce_world::World;

use crate::{Done, args::Fetch};

/// Asks the brokers of accounts for what they traded, once.
pub(crate) async fn run(world: &World, asked: &Fetch) -> anyhow::Result<Done> {
    let mut accounts = world.accounts().all().await?;
    for id in &asked.account {
        let account = accounts.get(id).with_context(|| format!("there is no account '{id}'"))?;
        anyhow::ensure!(
            account.fetch.is_some(),
            "nothing says how the account '{id}' is fetched; cauce account put {id} --fetch CONNECTOR does"
        );
    }
    let wanted: BTreeSet<_> = asked.account.iter().collect();
    accounts.retain(|id, _| wanted.is_empty() || wanted.contains(id));
    let fetcher = world.fetcher(Planner::new(Arc::clone(&world.store)));
    let until = Instant::now() + world.config.brokers.cycle_time;
    let report = match fetcher.cycle(accounts.into_values().collect(), until).await? {
        Cycle::Ended(report) => report,
        Cycle::Busy(lease) => {
            anyhow::bail!("another cycle is under way, until {} at the latest", lease.until)
        }
    };
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else if report.accounts.is_empty() {
        println!(
            "no account is fetched; cauce account put ID --fetch CONNECTOR --key PLACE --secret PLACE makes one"
        );
    } else {
        for account in &report.accounts {
            let error = account.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            println!(
                "{:<24} {:<18} {} new, {} known{error}",
                account.account_id.as_str(),
                account.status.as_str(),
                account.trades,
                account.duplicates
            );
        }
    }
    Ok(match report.status() {
        RunStatus::Completed => Done::Whole,
        RunStatus::Failed => Done::Not,
        _ => Done::Partly,
    })
}
