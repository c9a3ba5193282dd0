//! The inbox: what is put under `inbox/<source>/…` of the lake becomes a raw object and leaves the inbox. It is the way
//! for what is too large for a request, by a presigned link, and for files that others drop.

use std::{sync::Arc, time::Duration};

use cauce_model::BadValue;
use cauce_queue::{Delivery, Queue, QueueError, RawCreated};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt, path::Path};
use thiserror::Error;
use uuid::Uuid;

use crate::{Brought, Intake, IntakeError, check_source, plain};

/// Why an object stays in the inbox.
#[derive(Debug, Error)]
pub enum InboxError {
    /// The message is no event.
    #[error("{0}")]
    NotAnEvent(#[from] BadValue),
    /// Its key does not say whose it is.
    #[error("'{key}' is not inbox/<source>/<name>; move it there")]
    NoSource {
        /// The key.
        key: String,
    },
    /// Its key can't be a path here.
    #[error("'{key}' has a name that can't be read: {source}; give it a plainer one")]
    Name {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: object_store::path::Error,
    },
    /// It is more than the memory takes.
    #[error("'{key}' has {size} bytes, and {limit} are the most that are taken in one piece; split it")]
    TooLarge {
        /// The key.
        key: String,
        /// Its size.
        size: u64,
        /// The most.
        limit: u64,
    },
    /// It can't be read or deleted.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// It can't be kept.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// What became of messages of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InboxSettled {
    /// Objects that are raw objects now.
    pub kept: u64,
    /// Ids of messages that failed; their reasons are with the queue.
    pub failed: Vec<String>,
}

impl Intake {
    /// The zone of the lake in which others may put things.
    pub const INBOX: &'static str = "inbox";
    /// Bytes of one object at most: they are held in memory, with their compressed twin.
    const LARGEST: u64 = 256 << 20;

    /// A new place in the inbox for something that `source` said.
    pub fn place_for(source: &str, name: Option<&str>, now: DateTime<Utc>) -> Result<Path, IntakeError> {
        check_source(source)?;
        let (day, id) = (now.date_naive(), Uuid::now_v7());
        Ok(Path::from(format!("{}/{source}/{day}/{id}/{}", Self::INBOX, plain(name.unwrap_or("body")))))
    }

    /// Keeps what an object of the inbox holds, and takes it out. One that is gone was kept before.
    pub async fn take(&self, place: &Path) -> Result<bool, InboxError> {
        let key = || place.to_string();
        let parts: Vec<String> = place.parts().map(|part| part.as_ref().to_owned()).collect();
        let [zone, source, .., name] = &parts[..] else { return Err(InboxError::NoSource { key: key() }) };
        if zone != Self::INBOX {
            return Err(InboxError::NoSource { key: key() });
        }
        let found = match self.store.get(place).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // When it was put there: delivered again, it gives the same raw object.
        let ObjectMeta { size, last_modified: fetched_at, e_tag, .. } = found.meta.clone();
        if size > Self::LARGEST {
            return Err(InboxError::TooLarge { key: key(), size, limit: Self::LARGEST });
        }
        let bytes = found.bytes().await?;
        self.keep(&Brought { source, name: Some(name), fetched_at, bytes: &bytes }).await?;
        // Written again meanwhile, it is another thing, and has an event of its own.
        match self.store.head(place).await {
            Ok(now) if now.e_tag == e_tag && now.last_modified == fetched_at => {
                self.store.delete(place).await?
            }
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Takes in what the events in `deliveries` name. Those that are done are acknowledged.
    pub async fn take_all(
        &self,
        queue: &dyn Queue,
        deliveries: Vec<Delivery>,
        retry_in: Duration,
    ) -> Result<InboxSettled, QueueError> {
        let mut settled = InboxSettled::default();
        for delivery in deliveries {
            match self.take_named(&delivery.body).await {
                Ok(kept) => {
                    settled.kept += kept;
                    queue.acknowledge(&delivery).await?;
                }
                Err(error) => {
                    tracing::warn!(message = %delivery.body, %error, "stays in the inbox");
                    queue.fail(&delivery, &error.to_string(), retry_in).await?;
                    settled.failed.push(delivery.id);
                }
            }
        }
        Ok(settled)
    }

    async fn take_named(&self, message: &str) -> Result<u64, InboxError> {
        let mut kept = 0;
        for key in RawCreated::keys_in(message, Self::INBOX)? {
            // What consoles show as a folder is an empty object.
            if key.ends_with('/') {
                continue;
            }
            // As it is: `Path::from` would take it for text that is yet to be encoded.
            let place = Path::parse(&key).map_err(|source| InboxError::Name { key, source })?;
            kept += u64::from(self.take(&place).await?);
        }
        Ok(kept)
    }

    /// What lies in the inbox.
    pub async fn waiting(&self) -> Result<Vec<ObjectMeta>, InboxError> {
        Ok(Arc::clone(&self.store).list(Some(&Path::from(Self::INBOX))).try_collect().await?)
    }
}

#[cfg(test)]
mod tests {
    use cauce_queue::SqliteQueue;
    use cauce_raw::RawZone;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn what_lies_in_the_inbox_becomes_raw_and_leaves_it() {
        let store = Arc::new(InMemory::new());
        let intake = Intake::new(store.clone());
        let queue = SqliteQueue::in_memory().unwrap();
        let place = Intake::place_for("binance_p2p", Some("page.json"), Utc::now()).unwrap();
        store.put(&place, "{}".into()).await.unwrap();
        let event = |key: &str| {
            let key = key.replace('=', "%3D");
            format!(r#"{{"Records":[{{"s3":{{"bucket":{{"name":"b"}},"object":{{"key":"{key}"}}}}}}]}}"#)
        };
        let poison = event("inbox/nobody");
        let strange = "inbox/somebody/Página #1 ~ 100%+x.json";
        store.put(&Path::parse(strange).unwrap(), "[]".into()).await.unwrap();
        let encoded =
            strange.replace('%', "%25").replace('+', "%2B").replace('á', "%C3%A1").replace(' ', "+");
        let events = [place.as_ref(), &encoded, "inbox/binance_p2p/gone.json", "inbox/binance_p2p/"];
        for body in events.map(event).iter().chain([&poison]) {
            queue.send(body).await.unwrap();
        }
        let deliveries = queue.receive(10, Duration::from_secs(60)).await.unwrap();
        let settled = intake.take_all(&queue, deliveries, Duration::ZERO).await.unwrap();
        assert_eq!((settled.kept, settled.failed.len()), (2, 1));
        assert_eq!(intake.waiting().await.unwrap(), []);
        let raw: Vec<_> = RawZone::new(store).list(|_| true).try_collect().await.unwrap();
        let mut sources: Vec<&str> = raw.iter().map(|(id, _)| id.source()).collect();
        sources.sort_unstable();
        assert_eq!(sources, ["binance_p2p", "somebody"]);
        let again = queue.receive(10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(again.iter().map(|delivery| &delivery.body).collect::<Vec<_>>(), [&poison]);
    }
}
