//! A cycle: what waits goes first, then what is new.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use cauce_ledger::{Acquired, Batch, Batched, Lease};
use cauce_model::{AccountId, BatchResult, DeliveryReport, DeliveryStatus, Rejection, RunId};
use cauce_raw::{Bundle, CAUCE, Envelope, kind};
use cauce_sources::HttpRequest;
use cauce_tables::{Days, Derived};
use cauce_telemetry::{DELIVERIES_SET_ASIDE, DELIVERIES_UNANSWERED, TRADES_DELIVERED};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    Cycle, DeliverError, Deliverer, Sink, Sinks,
    answer::{Verdict, verdict},
    given::Given,
    rows,
};

/// Whether a sink is asked for more in this cycle.
enum Then {
    GoesOn,
    Stops,
}

impl Deliverer {
    /// Who has it is at work; nobody else begins.
    const LEASE: &'static str = "journal/deliver";
    /// Batches that are put together before they are sent: what there is beyond them waits in the journal.
    const AHEAD: usize = 100;

    /// Delivers what is not yet; begins no request after `until`. Its report is kept if there was anything to deliver.
    pub async fn cycle(&self, sinks: &Sinks, until: Instant) -> Result<Cycle, DeliverError> {
        let (run_id, started_at) = (RunId::starting(Utc::now()), Utc::now());
        let owner = run_id.to_string();
        // Some more than its time: it may still be waiting for an answer.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_secs(60);
        let ttl = TimeDelta::from_std(left).unwrap_or(TimeDelta::MAX);
        if let Acquired::HeldBy(lease) =
            Lease::acquire(&*self.ledger, Self::LEASE, &owner, ttl, started_at).await?
        {
            return Ok(Cycle::Busy(lease));
        }
        let (mut batches, mut ended) = (Vec::new(), Ok(()));
        for (name, sink) in sinks {
            // One that can't be reached stops no other.
            match sink {
                Ok(sink) => ended = ended.and(self.deliver(sink, until, &mut batches).await),
                Err(why) => tracing::error!(sink = name, why, "nothing is delivered there"),
            }
        }
        Lease::release(&*self.ledger, Self::LEASE, &owner).await?;
        let trace_id = cauce_telemetry::trace_id(run_id.as_u128());
        let report =
            DeliveryReport { run_id, started_at, ended_at: Utc::now().max(started_at), batches, trace_id };
        if !report.batches.is_empty() {
            self.report(&report).await?;
        }
        ended.map(|()| Cycle::Ended(report))
    }

    async fn report(&self, report: &DeliveryReport) -> Result<(), DeliverError> {
        let day = report.run_id.started_at().date_naive();
        let mut bundle = Bundle::new(CAUCE, kind::DELIVERY_REPORT, day, &report.run_id.to_string());
        let mut envelope = Envelope::bare(serde_json::to_vec(report)?, report.ended_at);
        envelope.run_id = Some(report.run_id);
        bundle.push(&envelope)?;
        self.raw.put(&bundle.seal_unique("report")?).await?;
        Ok(())
    }

    async fn deliver(
        &self,
        sink: &Sink,
        until: Instant,
        results: &mut Vec<BatchResult>,
    ) -> Result<(), DeliverError> {
        self.own(sink).await?;
        loop {
            let waiting = Batch::of(&*self.ledger, &sink.name).await?;
            for batch in waiting.iter().filter(|batch| !batch.set_aside) {
                if Instant::now() >= until {
                    return Ok(());
                }
                let (result, then) = self.send(sink, batch).await?;
                tell(&result);
                let is_divided = result.status == DeliveryStatus::Divided;
                results.push(result);
                match then {
                    Then::Stops => return Ok(()),
                    // Its parts come before what is behind it.
                    Then::GoesOn if is_divided => break,
                    Then::GoesOn => {}
                }
            }
            let is_left = Batch::of(&*self.ledger, &sink.name).await?.iter().any(|batch| !batch.set_aside);
            if !is_left && !self.gather(sink).await? {
                return Ok(());
            }
        }
    }

    /// Notes as given what waits: who died after keeping a batch may not have.
    async fn own(&self, sink: &Sink) -> Result<(), DeliverError> {
        let mut by_account: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
        for batch in Batch::of(&*self.ledger, &sink.name).await? {
            for (trade, hash) in batch.trades.iter().zip(batch.hashes) {
                let account = trade.get("account_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                if let Some(account) = account {
                    by_account.entry(account).or_default().push(hash);
                }
            }
        }
        for (account, hashes) in by_account {
            let mut given = Given::read(&self.store, &sink.name, &account).await?;
            if hashes.iter().all(|hash| given.has(hash)) {
                continue;
            }
            hashes.into_iter().for_each(|hash| given.add(hash));
            given.write(&self.store, &sink.name, &account).await?;
        }
        Ok(())
    }

    /// Puts what is new into batches. Answers whether there was anything.
    async fn gather(&self, sink: &Sink) -> Result<bool, DeliverError> {
        let (name, room) = (sink.name.as_str(), Self::AHEAD * sink.batch);
        let states = Batched::get(&*self.ledger, name).await?;
        let (mut new, mut noted) = (Vec::new(), Vec::new());
        for file in self.planner.derived(Derived::FactTrades, Days::ALL).await? {
            let Some(account) = account_of(&file.meta.location) else { continue };
            let tag = file.meta.e_tag.clone().unwrap_or_else(|| file.meta.last_modified.to_rfc3339());
            let is_wanted = sink.accounts.as_ref().is_none_or(|accounts| accounts.contains(&account));
            if !is_wanted || states.get(account.as_str()) == Some(&tag) {
                continue;
            }
            let mut given = Given::read(&self.store, name, &account).await?;
            let mut is_whole = true;
            for row in rows::of(&self.planner, &account, &file).await? {
                if given.has(&row.hash) {
                    continue;
                }
                if new.len() >= room {
                    is_whole = false;
                    break;
                }
                given.add(row.hash.clone());
                new.push(row);
            }
            noted.push((account, given, is_whole.then_some(tag)));
            if new.len() >= room {
                break;
            }
        }
        let (is_any, made_at) = (!new.is_empty(), Utc::now());
        for (offset, rows) in (0..).zip(new.chunks(sink.batch.max(1))) {
            let trades = rows.iter().map(|row| row.json.clone()).collect();
            let hashes = rows.iter().map(|row| row.hash.clone()).collect();
            // In the order of the trades.
            let made_at = made_at + TimeDelta::milliseconds(offset);
            batch(name, made_at, trades, hashes).put(&*self.ledger).await?;
        }
        for (account, given, tag) in noted {
            given.write(&self.store, name, &account).await?;
            if let Some(tag) = tag {
                Batched::note(&*self.ledger, name, account.as_str(), &tag).await?;
            }
        }
        Ok(is_any)
    }

    async fn send(&self, sink: &Sink, waiting: &Batch) -> Result<(BatchResult, Then), DeliverError> {
        let begun = Instant::now();
        let key = match sink.header.name() {
            "authorization" => format!("Bearer {}", sink.key),
            _ => sink.key.clone(),
        };
        let request = HttpRequest {
            method: "POST",
            url: sink.url.clone(),
            headers: vec![(sink.header.name(), key), ("idempotency-key", waiting.id.clone())],
            body: Some(json!({ "trades": waiting.trades })),
        };
        let sent = self.transport.send(request, sink.timeout).await;
        let ids: Vec<&str> = waiting.trades.iter().map(id_of).collect();
        let (http_status, verdict) = match &sent {
            Ok(answer) => (Some(answer.status), verdict(answer.status, &answer.body, &ids)),
            Err(failure) => (None, Verdict::Failed(failure.to_string())),
        };
        let mut result = BatchResult {
            sink: sink.name.clone(),
            delivery_id: waiting.id.clone(),
            status: DeliveryStatus::Delivered,
            trades: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            created: 0,
            duplicates: 0,
            rejections: Vec::new(),
            attempt: waiting.failures + 1,
            http_status,
            error: None,
            duration_ms: u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX),
        };
        let then = match verdict {
            Verdict::Answered { created, duplicates, rejections } => {
                (result.created, result.duplicates, result.rejections) = (created, duplicates, rejections);
                waiting.remove(&*self.ledger).await?;
                Then::GoesOn
            }
            Verdict::Without(rejections) => {
                if rejections.len() < ids.len() {
                    result.status = DeliveryStatus::Divided;
                    self.replace(waiting, vec![without(waiting, &rejections)]).await?;
                } else {
                    waiting.remove(&*self.ledger).await?;
                }
                result.rejections = rejections;
                Then::GoesOn
            }
            Verdict::Divide(why) => {
                (result.status, result.error) = (DeliveryStatus::Divided, Some(why));
                self.replace(waiting, halves(waiting)).await?;
                Then::GoesOn
            }
            Verdict::Later(why) => {
                Batch { last_error: Some(why.clone()), ..waiting.clone() }.put(&*self.ledger).await?;
                (result.status, result.error) = (DeliveryStatus::Waiting, Some(why));
                Then::Stops
            }
            Verdict::Failed(why) => {
                let failures = waiting.failures + 1;
                let set_aside = failures >= sink.failures;
                let failed = Batch { failures, set_aside, last_error: Some(why.clone()), ..waiting.clone() };
                failed.put(&*self.ledger).await?;
                result.status = if set_aside { DeliveryStatus::SetAside } else { DeliveryStatus::Waiting };
                result.error = Some(why);
                Then::Stops
            }
        };
        Ok((result, then))
    }

    /// Parts in place of a whole: they are kept before it is forgotten.
    async fn replace(&self, whole: &Batch, parts: Vec<Batch>) -> Result<(), DeliverError> {
        for part in &parts {
            part.put(&*self.ledger).await?;
        }
        Ok(whole.remove(&*self.ledger).await?)
    }
}

fn batch(sink: &str, made_at: DateTime<Utc>, trades: Vec<Value>, hashes: Vec<String>) -> Batch {
    Batch {
        sink: sink.to_owned(),
        id: rows::hash(hashes.join("\n").as_bytes()),
        made_at,
        trades,
        hashes,
        failures: 0,
        last_error: None,
        set_aside: false,
    }
}

fn without(whole: &Batch, rejections: &[Rejection]) -> Batch {
    let is_kept = |trade: &Value| rejections.iter().all(|rejection| rejection.trade_id != id_of(trade));
    let kept = whole.trades.iter().zip(&whole.hashes).filter(|(trade, _)| is_kept(trade));
    let (trades, hashes) = kept.map(|(trade, hash)| (trade.clone(), hash.clone())).unzip();
    batch(&whole.sink, whole.made_at, trades, hashes)
}

fn halves(whole: &Batch) -> Vec<Batch> {
    let middle = whole.trades.len() / 2;
    let part = |range: std::ops::Range<usize>| {
        batch(&whole.sink, whole.made_at, whole.trades[range.clone()].to_vec(), whole.hashes[range].to_vec())
    };
    vec![part(0..middle), part(middle..whole.trades.len())]
}

fn id_of(trade: &Value) -> &str {
    trade.get("trade_id").and_then(Value::as_str).unwrap_or_default()
}

/// Whose object of `fact_trades` it is.
fn account_of(location: &object_store::path::Path) -> Option<AccountId> {
    location.parts().find_map(|part| part.as_ref().strip_prefix("account=")?.parse().ok())
}

/// Says what happened to whoever watches.
fn tell(result: &BatchResult) {
    let BatchResult { sink, delivery_id, attempt, .. } = result;
    let error = result.error.as_deref().unwrap_or_default();
    let rejected = u64::try_from(result.rejections.len()).unwrap_or(u64::MAX);
    for (outcome, count) in
        [("created", result.created.into()), ("duplicate", result.duplicates.into()), ("rejected", rejected)]
    {
        TRADES_DELIVERED.add([outcome], count);
    }
    match result.status {
        DeliveryStatus::Waiting => {
            DELIVERIES_UNANSWERED.count(1);
            tracing::warn!(sink, delivery_id, attempt, error, "trades wait for the next cycle");
        }
        DeliveryStatus::SetAside => {
            DELIVERIES_UNANSWERED.count(1);
            DELIVERIES_SET_ASIDE.count(1);
            tracing::error!(
                sink,
                delivery_id,
                attempt,
                error,
                "trades are set aside; cauce deliveries retry lets them go again"
            );
        }
        DeliveryStatus::Delivered | DeliveryStatus::Divided => {}
    }
}
