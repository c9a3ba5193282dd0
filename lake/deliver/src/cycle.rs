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
    rows::{self, Row},
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

    /// Delivers what is not yet; begins no request after `until`. What was answered is
    /// in the lake round by round, each a run of its own; what is told here is all of it together, and is kept nowhere.
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
        let delivered = self.all(sinks, until).await;
        Lease::release(&*self.ledger, Self::LEASE, &owner).await?;
        let batches = delivered?;
        let trace_id = cauce_telemetry::trace_id(run_id.as_u128());
        let ended_at = Utc::now().max(started_at);
        Ok(Cycle::Ended(DeliveryReport { run_id, started_at, ended_at, batches, trace_id }))
    }

    async fn all(&self, sinks: &Sinks, until: Instant) -> Result<Vec<BatchResult>, DeliverError> {
        let (mut results, mut ended) = (Vec::new(), Ok(()));
        for (name, sink) in sinks {
            // One that can't be reached stops no other.
            match sink {
                Ok(sink) => ended = ended.and(self.deliver(sink, until, &mut results).await),
                Err(why) => tracing::error!(sink = name, why, "nothing is delivered there"),
            }
        }
        ended.map(|()| results)
    }

    async fn deliver(
        &self,
        sink: &Sink,
        until: Instant,
        results: &mut Vec<BatchResult>,
    ) -> Result<(), DeliverError> {
        self.own(sink).await?;
        loop {
            let (told, then) = self.waiting(sink, until).await?;
            // What was answered is in the lake before it is forgotten.
            self.report(sink, &told).await?;
            let is_any = !told.is_empty();
            results.extend(told);
            if matches!(then, Then::Stops) || (!is_any && !self.gather(sink).await?) {
                return Ok(());
            }
        }
    }

    /// Sends what waits, the oldest first.
    async fn waiting(&self, sink: &Sink, until: Instant) -> Result<(Vec<BatchResult>, Then), DeliverError> {
        let mut results = Vec::new();
        for batch in Batch::of(&*self.ledger, &sink.name).await?.iter().filter(|batch| batch.is_waiting()) {
            if Instant::now() >= until {
                return Ok((results, Then::Stops));
            }
            let (result, then) = self.send(sink, batch).await?;
            tell(&result);
            let is_divided = result.status == DeliveryStatus::Divided;
            results.push(result);
            // The parts of what was divided come before what is behind it.
            if is_divided || matches!(then, Then::Stops) {
                return Ok((results, then));
            }
        }
        Ok((results, Then::GoesOn))
    }

    /// Keeps what became of batches, also of those of a cycle that died before it could, and forgets those that were answered.
    async fn report(&self, sink: &Sink, told: &[BatchResult]) -> Result<(), DeliverError> {
        let kept = Batch::of(&*self.ledger, &sink.name).await?;
        let answered: Vec<&Batch> = kept.iter().filter(|batch| batch.answer.is_some()).collect();
        let is_told = |result: &&BatchResult| told.iter().all(|told| told.delivery_id != result.delivery_id);
        let before = answered.iter().filter_map(|batch| batch.answer.as_ref()).filter(is_told);
        let batches: Vec<BatchResult> = told.iter().chain(before).cloned().collect();
        if batches.is_empty() {
            return Ok(());
        }
        let (run_id, now) = (RunId::starting(Utc::now()), Utc::now());
        let taken = batches.iter().map(|batch| i64::from(batch.duration_ms)).sum();
        let trace_id = cauce_telemetry::trace_id(run_id.as_u128());
        let started_at = now - TimeDelta::milliseconds(taken);
        let report = DeliveryReport { run_id, started_at, ended_at: now, batches, trace_id };
        let mut bundle =
            Bundle::new(CAUCE, kind::DELIVERY_REPORT, run_id.started_at().date_naive(), &run_id.to_string());
        let mut envelope = Envelope::bare(serde_json::to_vec(&report)?, now);
        envelope.run_id = Some(run_id);
        bundle.push(&envelope)?;
        self.raw.put(&bundle.seal_unique("report")?).await?;
        for batch in answered {
            batch.remove(&*self.ledger).await?;
        }
        Ok(())
    }

    /// Notes as given what waits: who died after keeping a batch may not have.
    async fn own(&self, sink: &Sink) -> Result<(), DeliverError> {
        let mut by_account: BTreeMap<AccountId, Vec<(String, String)>> = BTreeMap::new();
        for batch in Batch::of(&*self.ledger, &sink.name).await? {
            for (trade, hash) in batch.trades.iter().zip(batch.hashes) {
                let account = trade.get("account_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                if let Some(account) = account {
                    by_account.entry(account).or_default().push((id_of(trade).to_owned(), hash));
                }
            }
        }
        for (account, trades) in by_account {
            let mut given = Given::read(&self.store, &sink.name, &account).await?;
            let before = given.len();
            for (trade_id, hash) in trades {
                given.add_if_unknown(trade_id, hash);
            }
            if given.len() > before {
                given.write(&self.store, &sink.name, &account).await?;
            }
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
            let is_new = |row: &Row| !given.has(&row.trade_id, &row.hash);
            let (rows, is_whole) = rows::of(&self.planner, &account, &file, is_new, room - new.len()).await?;
            for row in &rows {
                given.add(row.trade_id.clone(), row.hash.clone());
            }
            new.extend(rows);
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
                Then::GoesOn
            }
            Verdict::Without(rejections) => {
                if rejections.len() < ids.len() {
                    result.status = DeliveryStatus::Divided;
                    without(waiting, &rejections).put(&*self.ledger).await?;
                }
                result.rejections = rejections;
                Then::GoesOn
            }
            Verdict::Divide(why) => {
                (result.status, result.error) = (DeliveryStatus::Divided, Some(why));
                for half in halves(waiting) {
                    half.put(&*self.ledger).await?;
                }
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
        if matches!(result.status, DeliveryStatus::Delivered | DeliveryStatus::Divided) {
            let answer = Some(result.clone());
            Batch { answer, trades: Vec::new(), hashes: Vec::new(), ..waiting.clone() }
                .put(&*self.ledger)
                .await?;
        }
        Ok((result, then))
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
        answer: None,
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
