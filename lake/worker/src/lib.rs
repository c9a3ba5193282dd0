//! From the queue to the tables: takes messages, reads their raw objects, normalizes them, writes hot files, and
//! only then acknowledges. Delivered twice, killed anywhere, or run side by side, it leaves each raw object in the
//! tables once (see `cauce_tables::Planner`).

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_model::{BadValue, RawId, StatusCategory};
use cauce_normalize::Thresholds;
use cauce_protocols::providers;
use cauce_queue::{Delivery, Queue, QueueError, RawCreated, Unread};
use cauce_raw::{RawError, RawZone};
use cauce_tables::{DayBatch, EventCounts, HotFile, WriteError, write};
use cauce_telemetry::{
    OFFERS_WRITTEN, PAYMENT_EVENTS, PAYMENTS_UNEXPLAINED, QUEUE_CONSUMED, RAW_BYTES, follow,
};
use chrono::NaiveDate;
use object_store::ObjectStore;
use serde::Serialize;
use thiserror::Error;

/// Why a drain stopped. What was not acknowledged comes back.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Hot files could not be made or stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The thread that normalizes died.
    #[error("normalizer thread: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Why one message failed; the others of its batch go on.
#[derive(Debug, Error)]
enum MessageError {
    #[error("{0}")]
    NotAnEvent(#[from] BadValue),
    #[error("{0}")]
    Raw(#[from] RawError),
    #[error("the normalizer panicked: {0}")]
    Panic(String),
}

/// Limits of a batch.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Messages of one batch.
    pub messages: u32,
    /// Bytes of raw objects, decompressed, after which a batch is written. This, and not the backlog, bounds the
    /// memory.
    pub bytes: usize,
    /// How long a message may take.
    pub visibility: Duration,
    /// When a message that failed is tried again.
    pub retry_in: Duration,
    /// Bounds that the checks of snapshots are held against.
    pub thresholds: Thresholds,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            messages: 256,
            bytes: 128 << 20,
            // A batch takes seconds; what a killed process had comes back soon.
            visibility: Duration::from_secs(30),
            retry_in: Duration::from_secs(10),
            thresholds: Thresholds::default(),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Drained {
    /// Messages handed out.
    pub messages: u64,
    /// Messages acknowledged.
    pub done: u64,
    /// Messages that failed and come back, or die.
    pub failed: u64,
    /// Offers written.
    pub offers: u64,
    /// Payment events written.
    pub events: u64,
    /// Fills written.
    pub trades: u64,
    /// Raw bytes read, decompressed.
    pub bytes: u64,
}

impl Drained {
    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.done += other.done;
        self.failed += other.failed;
        self.offers += other.offers;
        self.events += other.events;
        self.trades += other.trades;
        self.bytes += other.bytes;
    }
}

/// What became of deliveries that were handed to [`Worker::handle`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handled {
    /// How many, and what of them.
    pub counts: Drained,
    /// Ids of those that failed; their reasons are with the queue.
    pub failed: Vec<String>,
}

/// The normalizer at work.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Where the messages come from.
    pub queue: Arc<dyn Queue>,
    /// The lake.
    pub store: Arc<dyn ObjectStore>,
    /// Where events go that no rule knows, if somebody else is asked about them.
    pub unread: Option<Arc<dyn Queue>>,
    /// Its limits.
    pub settings: WorkerSettings,
}

/// The raw objects that a message names, read.
struct Loaded {
    delivery: Delivery,
    objects: Vec<(RawId, Vec<u8>)>,
}

impl Worker {
    /// Between two looks at messages that others hold.
    const PAUSE: Duration = Duration::from_millis(200);

    /// Works until the queue has nothing to hand out. `progress` hears of every batch.
    pub async fn drain(&self, progress: impl Fn(&Drained) + Send + Sync) -> Result<Drained, WorkerError> {
        let mut total = Drained::default();
        loop {
            let batch = self.batch().await?;
            if batch.messages == 0 {
                return Ok(total);
            }
            total.add(batch);
            progress(&total);
        }
    }

    /// Works until the queue is empty: also waits for messages that others hold, or held when they died, until these
    /// are done or come back.
    pub async fn drain_all(&self, progress: impl Fn(&Drained) + Send + Sync) -> Result<Drained, WorkerError> {
        let mut total = Drained::default();
        loop {
            total.add(self.drain(&progress).await?);
            if self.queue.stats().await?.in_flight == 0 {
                return Ok(total);
            }
            tokio::time::sleep(Self::PAUSE).await;
        }
    }

    /// Takes one batch of messages. None to take: all counts are zero.
    pub async fn batch(&self) -> Result<Drained, WorkerError> {
        let deliveries = self.queue.receive(self.settings.messages, self.settings.visibility).await?;
        Ok(self.handle(deliveries, None).await?.counts)
    }

    /// Handles messages that were received already, as functions get them. Those that are done are acknowledged. What
    /// has not been begun by `until` is handed back: it has not failed, and must not be counted as if it had.
    pub async fn handle(
        &self,
        deliveries: Vec<Delivery>,
        until: Option<Instant>,
    ) -> Result<Handled, WorkerError> {
        let mut handled = Handled::default();
        handled.counts.messages = deliveries.len() as u64;
        let late = || until.is_some_and(|until| Instant::now() >= until);
        // A message that has been seen before may be what killed the batch that it was in: it is handled alone.
        let (mut again, fresh): (Vec<_>, Vec<_>) =
            deliveries.into_iter().partition(|delivery| delivery.receipts > 1);
        // A function has its messages until it ends: if one kills it, those behind it must not have died with it every
        // time. The one that was seen most is tried; the others start anew, elsewhere.
        if until.is_some() {
            again.sort_by_key(|delivery| std::cmp::Reverse(delivery.receipts));
            for delivery in again.split_off(again.len().min(1)) {
                self.queue.release(&delivery).await?;
            }
        }
        for delivery in again {
            if late() {
                self.queue.release(&delivery).await?;
                continue;
            }
            let loaded = self.load(delivery, &mut handled).await?;
            self.settle(loaded.into_iter().collect(), &mut handled).await?;
        }
        let (mut bundle, mut size) = (Vec::new(), 0);
        for delivery in fresh {
            if late() {
                self.queue.release(&delivery).await?;
                continue;
            }
            let Some(loaded) = self.load(delivery, &mut handled).await? else { continue };
            size += loaded.objects.iter().map(|(_, lines)| lines.len()).sum::<usize>();
            bundle.push(loaded);
            if size >= self.settings.bytes {
                self.settle(std::mem::take(&mut bundle), &mut handled).await?;
                size = 0;
            }
        }
        self.settle(bundle, &mut handled).await?;
        let Drained { done, failed, offers, bytes, .. } = handled.counts;
        QUEUE_CONSUMED.add(["done"], done);
        QUEUE_CONSUMED.add(["failed"], failed);
        OFFERS_WRITTEN.count(offers);
        RAW_BYTES.count(bytes);
        Ok(handled)
    }

    async fn load(&self, delivery: Delivery, handled: &mut Handled) -> Result<Option<Loaded>, WorkerError> {
        let read = async {
            let mut objects = Vec::new();
            for raw in RawCreated::parse(&delivery.body)? {
                let lines = RawZone::new(Arc::clone(&self.store)).read(&raw).await?;
                objects.push((raw, lines));
            }
            Ok::<_, MessageError>(objects)
        };
        match read.await {
            Ok(objects) => {
                handled.counts.bytes += objects.iter().map(|(_, lines)| lines.len() as u64).sum::<u64>();
                Ok(Some(Loaded { delivery, objects }))
            }
            Err(error) => {
                self.fail(&delivery, &error, handled).await?;
                Ok(None)
            }
        }
    }

    async fn fail(
        &self,
        delivery: &Delivery,
        error: &MessageError,
        handled: &mut Handled,
    ) -> Result<(), QueueError> {
        handled.counts.failed += 1;
        handled.failed.push(delivery.id.clone());
        tracing::warn!(message = %delivery.body, receipts = delivery.receipts, %error, "message failed");
        self.queue.fail(delivery, &error.to_string(), self.settings.retry_in).await
    }

    /// Normalizes a bundle, writes its files, acknowledges.
    async fn settle(&self, bundle: Vec<Loaded>, handled: &mut Handled) -> Result<(), WorkerError> {
        if bundle.is_empty() {
            return Ok(());
        }
        let thresholds = self.settings.thresholds;
        let settled = tokio::task::spawn_blocking(move || records(bundle, thresholds)).await?;
        let events = settled.events;
        for (delivery, error) in &settled.failed {
            self.fail(delivery, error, handled).await?;
        }
        for file in &settled.files? {
            write(&self.store, file).await?;
        }
        // Before their messages are done: who dies here sends them again, and they are asked about once.
        if let Some(queue) = &self.unread {
            for unread in &settled.unread {
                queue.send(&unread.body()).await?;
            }
        }
        for delivery in &settled.done {
            if !self.queue.acknowledge(delivery).await? {
                tracing::warn!(message = %delivery.body, "took longer than its loan; it is handled again, to no harm");
            }
        }
        // Names that nobody has rules for are anybody's: they would make series without end.
        for ((provider, status), count) in events {
            handled.counts.events += count;
            let known = providers::find(&provider).map_or("other", |provider| provider.name());
            PAYMENT_EVENTS.add([known, status], count);
            if [StatusCategory::Unknown, StatusCategory::Unprocessed]
                .map(|one| one.as_str())
                .contains(&status)
            {
                PAYMENTS_UNEXPLAINED.count(count);
            }
        }
        handled.counts.done += settled.done.len() as u64;
        handled.counts.offers += settled.offers;
        handled.counts.trades += settled.trades;
        Ok(())
    }
}

/// Events of one raw object that a model is asked about at most.
const MOST_ASKED: usize = 100;

struct Settled {
    files: Result<Vec<HotFile>, WriteError>,
    events: EventCounts,
    unread: Vec<Unread>,
    offers: u64,
    trades: u64,
    done: Vec<Delivery>,
    failed: Vec<(Delivery, MessageError)>,
}

/// The pure part, on a thread of its own: bytes to files. A panic harms the message that caused it.
fn records(bundle: Vec<Loaded>, thresholds: Thresholds) -> Settled {
    let mut days: BTreeMap<NaiveDate, DayBatch> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let (mut done, mut failed) = (Vec::with_capacity(bundle.len()), Vec::new());
    for Loaded { delivery, objects } in bundle {
        let mut panicked = None;
        for (raw, lines) in objects {
            // Two messages may name one object; its rows are made once.
            if !seen.insert(raw.clone()) {
                continue;
            }
            let day =
                days.entry(raw.date()).or_insert_with(|| DayBatch::new(raw.date()).judged_by(thresholds));
            let span = tracing::info_span!("normalize", raw_id = raw.as_str(), bytes = lines.len());
            if let Some(run) = raw.run() {
                follow(&span, run.as_u128());
            }
            let reading = || span.in_scope(|| day.read(&raw, &lines));
            let outcome = panic::catch_unwind(AssertUnwindSafe(reading));
            panicked = outcome.err().map(|payload| words(payload.as_ref())).or(panicked);
        }
        match panicked {
            None => done.push(delivery),
            Some(words) => failed.push((delivery, MessageError::Panic(words))),
        }
    }
    let offers = days.values().map(|day| u64::from(day.offers())).sum();
    let trades = days.values().map(|day| u64::from(day.trades())).sum();
    let mut events = EventCounts::new();
    for (event, count) in days.values().flat_map(DayBatch::events) {
        *events.entry(event.clone()).or_default() += count;
    }
    let of = |(raw_id, raw_pos, record): &(RawId, i32, i32)| Unread {
        raw_id: raw_id.clone(),
        raw_pos: *raw_pos,
        record: *record,
    };
    // A large file that nobody knows is for people to look at, and not for a model row by row.
    let mut asked: BTreeMap<RawId, usize> = BTreeMap::new();
    let mut unread = Vec::new();
    for event in days.values().flat_map(DayBatch::unread) {
        let so_far = asked.entry(event.0.clone()).or_default();
        *so_far += 1;
        if *so_far <= MOST_ASKED {
            unread.push(of(event));
        }
    }
    for (raw_id, count) in asked.iter().filter(|(_, count)| **count > MOST_ASKED) {
        tracing::warn!(%raw_id, count, "a model is asked about the first {MOST_ASKED} of its events only");
    }
    let files = days.into_values().map(DayBatch::finish).collect::<Result<Vec<_>, _>>();
    Settled {
        files: files.map(|days| days.into_iter().flatten().collect()),
        events,
        unread,
        offers,
        trades,
        done,
        failed,
    }
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
