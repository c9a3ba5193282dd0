//! Where an event is, by its id; and which event something was that is sent again.

use std::sync::Arc;

use cauce_ledger::{Ledger, LedgerError, read, update};
use cauce_model::{EventId, RawId};
use serde::{Deserialize, Serialize};

/// Where an event stands. Its row is made again from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The raw object.
    pub raw_id: RawId,
    /// Its line.
    pub raw_pos: i32,
    /// The event's place among those of the line.
    pub record: i32,
}

/// The index of events in the ledger. It can be rebuilt: the table of events has the same.
#[derive(Debug, Clone)]
pub struct EventIndex {
    ledger: Arc<dyn Ledger>,
}

impl EventIndex {
    /// In this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger }
    }

    fn event(id: &EventId) -> String {
        format!("event/{id}")
    }

    fn answer_to(id: &EventId) -> String {
        format!("event/{id}/answer")
    }

    fn sent(what: &str) -> String {
        format!("sent/{}", blake3::hash(what.as_bytes()).to_hex())
    }

    /// Notes where an event is.
    pub async fn note(&self, id: &EventId, place: &Place) -> Result<(), LedgerError> {
        update(&*self.ledger, &Self::event(id), |known: Option<Place>| {
            (known.is_none().then(|| place.clone()), ())
        })
        .await
    }

    /// Notes where a model's answer about an event is; the first one counts.
    pub async fn note_answer(&self, id: &EventId, place: &Place) -> Result<(), LedgerError> {
        update(&*self.ledger, &Self::answer_to(id), |known: Option<Place>| {
            (known.is_none().then(|| place.clone()), ())
        })
        .await
    }

    /// Where a model's answer about an event is.
    pub async fn answer(&self, id: &EventId) -> Result<Option<Place>, LedgerError> {
        read(&*self.ledger, &Self::answer_to(id)).await
    }

    /// Where an event is.
    pub async fn place(&self, id: &EventId) -> Result<Option<Place>, LedgerError> {
        read(&*self.ledger, &Self::event(id)).await
    }

    /// The event that `what` was when it was sent first.
    pub async fn first(&self, what: &str) -> Result<Option<EventId>, LedgerError> {
        let id: Option<String> = read(&*self.ledger, &Self::sent(what)).await?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// Notes that `what` is this event, unless it was another before. Answers which it is.
    pub async fn is_first(&self, what: &str, id: &EventId) -> Result<EventId, LedgerError> {
        let key = Self::sent(what);
        let first = update(&*self.ledger, &key, |known: Option<String>| match known {
            Some(first) => (None, first),
            None => (Some(id.to_string()), id.to_string()),
        });
        Ok(first.await?.parse().unwrap_or(*id))
    }
}
