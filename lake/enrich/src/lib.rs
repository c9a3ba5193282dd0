//! Beside the river: events that no rule knows are put before a language model, one by one, masked. Its answer is a raw
//! object that names the event, so it becomes a row by the same way as everything else, and no replay asks again.
//!
//! ```text
//! worker ─ no rule knows it ─► queue ─► Enricher ─ masked ─► model
//!                                          └─ its answer, verbatim ─► raw object ─► event ─► worker ─► row
//! ```
//!
//! A model that is not well costs nothing but time: its event waits for 5 minutes, half an hour, four hours, and is then a
//! dead letter. The event itself has had its row, `UNPROCESSED`, from the beginning.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_intake::{EventIndex, Place};
use cauce_model::{BadValue, EventId};
use cauce_normalize::{MODEL, ModelAnswer, PaymentEvent, events, masked_document, open};
use cauce_protocols::model;
use cauce_queue::{Delivery, Queue, QueueError, Unread};
use cauce_raw::{Bundle, Envelope, RawError, RawZone, kind};
use cauce_sources::{HttpRequest, Transport};
use cauce_telemetry::{MODEL_CALLS, MODEL_DURATION};
use chrono::Utc;
use futures::{StreamExt, stream};
use thiserror::Error;

/// When an event is put before the model again, after each try that failed.
pub const RETRY_IN: [Duration; 3] =
    [Duration::from_secs(5 * 60), Duration::from_secs(30 * 60), Duration::from_secs(4 * 3_600)];
/// Receipts after which its message is a dead letter.
pub const MOST_RECEIPTS: u32 = 1 + RETRY_IN.len() as u32;

/// Which model is asked, and how.
#[derive(Clone)]
pub struct ModelSettings {
    /// Where its server is, up to and without `/chat/completions`.
    pub url: String,
    /// Its name there.
    pub name: String,
    /// What says who asks.
    pub key: String,
    /// For one call.
    pub timeout: Duration,
    /// Calls that follow at once on one that failed.
    pub retries: u32,
    /// Between them.
    pub pause: Duration,
}

impl ModelSettings {
    /// With the times that hold unless somebody says otherwise.
    pub fn new(url: impl Into<String>, name: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: name.into(),
            key: key.into(),
            timeout: Duration::from_secs(10),
            retries: 2,
            pause: Duration::from_millis(500),
        }
    }
}

impl fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSettings")
            .field("url", &self.url)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why an event is not answered.
#[derive(Debug, Error)]
enum Unanswered {
    /// The message is none.
    #[error("{0}")]
    NoMessage(#[from] BadValue),
    /// Its raw object can't be read.
    #[error("{0}")]
    Raw(#[from] RawError),
    /// The ledger failed.
    #[error("{0}")]
    Ledger(#[from] cauce_ledger::LedgerError),
    /// Something could not be written as JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The model is asked too often.
    #[error("the model's server says that it is asked too often (429)")]
    Limited,
    /// The model's server does not answer as it should.
    #[error("{0}")]
    Failed(String),
}

/// What became of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enriched {
    /// Events whose answer is kept.
    pub answered: u64,
    /// Events that needed none any more.
    pub settled: u64,
    /// Ids of messages that failed; their reasons are with the queue.
    pub failed: Vec<String>,
}

/// Asks the model.
#[derive(Debug, Clone)]
pub struct Enricher {
    /// Where the messages come from.
    pub queue: Arc<dyn Queue>,
    /// The raw zone.
    pub raw: RawZone,
    /// Where answers are noted.
    pub index: EventIndex,
    /// The way to the model.
    pub transport: Arc<dyn Transport>,
    /// Which model.
    pub settings: ModelSettings,
}

enum Settled {
    Answered,
    NotNeeded,
}

impl Enricher {
    /// Events that are put before the model side by side.
    const AT_ONCE: usize = 4;
    /// How long a message is lent: longer than all calls of one event.
    const VISIBILITY: Duration = Duration::from_secs(120);

    /// Takes what waits; nothing to take is nothing done.
    pub async fn batch(&self) -> Result<Enriched, QueueError> {
        let deliveries = self.queue.receive(Self::AT_ONCE as u32, Self::VISIBILITY).await?;
        self.handle(deliveries, None).await
    }

    /// Handles messages that were received already. What has not been begun by `until` is handed back.
    pub async fn handle(
        &self,
        deliveries: Vec<Delivery>,
        until: Option<Instant>,
    ) -> Result<Enriched, QueueError> {
        let handled = stream::iter(deliveries).map(async |delivery| {
            if until.is_some_and(|until| Instant::now() >= until) {
                self.queue.release(&delivery).await?;
                return Ok(None);
            }
            let outcome = self.settle(&delivery).await;
            match &outcome {
                Ok(_) => drop(self.queue.acknowledge(&delivery).await?),
                Err(error) => {
                    let wait = retry_in(delivery.receipts);
                    tracing::warn!(message = %delivery.body, receipts = delivery.receipts, %error, "event waits for the model");
                    self.queue.fail(&delivery, &error.to_string(), wait).await?;
                }
            }
            Ok::<_, QueueError>(Some((delivery.id, outcome)))
        });
        let handled: Vec<_> = handled.buffer_unordered(Self::AT_ONCE).collect().await;
        let mut enriched = Enriched::default();
        for outcome in handled {
            match outcome? {
                Some((_, Ok(Settled::Answered))) => enriched.answered += 1,
                Some((_, Ok(Settled::NotNeeded))) => enriched.settled += 1,
                Some((id, Err(_))) => enriched.failed.push(id),
                None => {}
            }
        }
        Ok(enriched)
    }

    async fn settle(&self, delivery: &Delivery) -> Result<Settled, Unanswered> {
        let asked = Unread::parse(&delivery.body)?;
        let id = EventId::derive(&asked.raw_id, asked.raw_pos, asked.record);
        if self.index.answer(&id).await?.is_some() {
            return Ok(Settled::NotNeeded);
        }
        // Rules may have learned it since.
        let Some((event, received_at)) = self.unread(&asked).await? else { return Ok(Settled::NotNeeded) };
        let Some(unread) = &event.unread else { return Ok(Settled::NotNeeded) };
        let sent = serde_json::to_string(&masked_document(unread))?;
        if sent.len() > model::MOST_SENT {
            tracing::warn!(event_id = %id, bytes = sent.len(), "too large for a model; it waits for rules");
            return Ok(Settled::NotNeeded);
        }
        let (answer, calls) = self.answer(&id, &sent).await?;
        let answer = ModelAnswer {
            raw_id: asked.raw_id.clone(),
            raw_pos: asked.raw_pos,
            record: asked.record,
            provider: event.provider.clone(),
            identity: event.identity.clone(),
            signature: event.signature.to_string(),
            received_at,
            // The rules were the first.
            attempts: i32::try_from(delivery.receipts + calls).unwrap_or(i32::MAX),
            model: self.settings.name.clone(),
            question: model::QUESTION,
            sent,
            answer,
        };
        // Somebody may have been erased while the model thought.
        if self.unread(&asked).await?.is_none_or(|(event, _)| event.unread.is_none()) {
            return Ok(Settled::NotNeeded);
        }
        self.keep(&id, &answer).await?;
        Ok(Settled::Answered)
    }

    /// The event as the rules see it today, and when it was received.
    async fn unread(
        &self,
        asked: &Unread,
    ) -> Result<Option<(PaymentEvent, chrono::DateTime<Utc>)>, Unanswered> {
        let object = match self.raw.read(&asked.raw_id).await {
            // Erased, or past its retention.
            Err(RawError::Store(object_store::Error::NotFound { .. })) => return Ok(None),
            object => object?,
        };
        let lines = open(&object);
        let line = lines.iter().find(|line| line.pos() == asked.raw_pos);
        let Some(envelope) = line.and_then(|line| line.envelope().ok()) else { return Ok(None) };
        let all = events(&asked.raw_id, asked.raw_pos, envelope);
        let found = all.into_iter().find(|event| event.record == asked.record);
        Ok(found.map(|event| (event, envelope.known_since())))
    }

    /// What the model wrote, and how many calls that took.
    async fn answer(&self, id: &EventId, sent: &str) -> Result<(String, u32), Unanswered> {
        let ModelSettings { url, name, key, timeout, retries, pause } = &self.settings;
        let question = model::question(name, sent)?;
        let mut calls = 0;
        loop {
            calls += 1;
            let begun = Instant::now();
            let request = HttpRequest {
                method: "POST",
                url: format!("{}/chat/completions", url.trim_end_matches('/')),
                headers: vec![("authorization", format!("Bearer {key}"))],
                body: Some(question.clone()),
            };
            let answer = self.transport.send(request, *timeout).await;
            let took = begun.elapsed();
            MODEL_DURATION.record([""; 0], took.as_secs_f64());
            let (outcome, result) = match answer {
                Ok(answer) if answer.status == 429 => ("limited", Err(Unanswered::Limited)),
                Ok(answer) if (200..300).contains(&answer.status) => match model::written(&answer.body) {
                    Ok(text) => ("answered", Ok(text)),
                    Err(why) => ("unreadable", Err(Unanswered::Failed(why))),
                },
                Ok(answer) => {
                    let why = format!("the model's server answered {}", answer.status);
                    ("failed", Err(Unanswered::Failed(why)))
                }
                Err(failure) => ("failed", Err(Unanswered::Failed(failure.message))),
            };
            MODEL_CALLS.add([outcome], 1);
            let millis = took.as_millis() as u64;
            tracing::info!(event_id = %id, model = name, call = calls, outcome, millis, "model asked");
            match result {
                Ok(text) => return Ok((text, calls)),
                // Who is asked too often is not asked at once again.
                Err(Unanswered::Limited) => return Err(Unanswered::Limited),
                Err(error) if calls > *retries => return Err(error),
                Err(_) => tokio::time::sleep(*pause * calls).await,
            }
        }
    }

    async fn keep(&self, id: &EventId, answer: &ModelAnswer) -> Result<(), Unanswered> {
        // Named by its event alone: of two answers to it the first is kept.
        let day = answer.received_at.date_naive();
        let mut bundle = Bundle::new(MODEL, kind::MODEL_ANSWER, day, &id.to_string());
        bundle.push(&Envelope::bare(serde_json::to_vec(answer)?, Utc::now()))?;
        let object = bundle.seal_unique("answer")?;
        self.raw.put(&object).await?;
        let place = Place { raw_id: object.id, raw_pos: 0, record: answer.record };
        self.index.note_answer(id, &place).await?;
        Ok(())
    }
}

/// When it is tried again after the try with this number; after the last it need not wait to be given up.
fn retry_in(receipts: u32) -> Duration {
    let try_number = usize::try_from(receipts.saturating_sub(1)).unwrap_or(usize::MAX);
    RETRY_IN.get(try_number).copied().unwrap_or(Duration::ZERO)
}
