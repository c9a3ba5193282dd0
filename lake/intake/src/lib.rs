//! The pushed side of the river: what others bring is kept verbatim as a raw object, before anything looks into it.
//!
//! ```text
//! body of a request ──┐
//! file of a command ──┼─► [`Intake::keep`] ───────┐
//! inbox/<source>/… ───┘                           ├─► raw object ─► event ─► normalizer
//! webhook of a provider ─► [`Intake::keep_event`] ┘
//! ```
//!
//! Whatever is brought twice is one object: its key follows from the bytes, their name, and when they were obtained.

mod events;
mod inbox;
mod index;
mod trades;

use std::{borrow::Cow, sync::Arc};

use cauce_model::{BadValue, RawId};
use cauce_raw::{Bundle, Envelope, Put, RULES_HEADER, RawError, RawZone, kind};
use chrono::{DateTime, Utc};
pub use events::{Said, kept_headers};
pub use inbox::{InboxError, InboxSettled};
pub use index::{EventIndex, Place};
use object_store::ObjectStore;
use thiserror::Error;
pub use trades::BroughtTrades;

/// Why something is not kept.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// Nobody can be called that.
    #[error("{0}")]
    Source(#[source] BadValue),
    /// There is nothing in it.
    #[error("it is empty; nothing was kept")]
    Empty,
    /// It could not be stored.
    #[error(transparent)]
    Raw(#[from] RawError),
}

/// Something that was brought.
#[derive(Debug, Clone)]
pub struct Brought<'a> {
    /// Who said it: a venue, a provider, a broker.
    pub source: &'a str,
    /// What it is called, where it comes from a file.
    pub name: Option<&'a str>,
    /// When the bytes were obtained from the source, as whoever did states.
    pub fetched_at: DateTime<Utc>,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The raw object.
    pub id: RawId,
    /// Whether it is new: the same bytes may have been brought before.
    pub is_new: bool,
}

/// Keeps what is brought.
#[derive(Debug, Clone)]
pub struct Intake {
    store: Arc<dyn ObjectStore>,
    raw: RawZone,
    rules: bool,
}

impl Intake {
    /// Into the lake in `store`.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { raw: RawZone::new(Arc::clone(&store)), store, rules: true }
    }

    /// The same; without rules what payment providers say is left to a model.
    pub fn reading_by_rules(self, rules: bool) -> Self {
        Self { rules, ..self }
    }

    /// What is said beside the bytes of all that is kept.
    fn marks(&self) -> Option<(String, String)> {
        (!self.rules).then(|| (RULES_HEADER.to_owned(), "off".to_owned()))
    }

    /// Keeps it as a raw object of kind `file`, under the day on which it was obtained.
    pub async fn keep(&self, brought: &Brought<'_>) -> Result<Kept, IntakeError> {
        let Brought { source, name, fetched_at, bytes } = *brought;
        check_source(source)?;
        if bytes.is_empty() {
            return Err(IntakeError::Empty);
        }
        let hour = fetched_at.format("%H").to_string();
        let mut bundle = Bundle::new(source, kind::FILE, fetched_at.date_naive(), &hour);
        let mut envelope = Envelope::bare(bytes, fetched_at);
        envelope.file = name.map(Cow::Borrowed);
        envelope.received_at = Some(Utc::now());
        envelope.headers.extend(self.marks());
        bundle.push(&envelope)?;
        let object = bundle.seal(&plain(name.unwrap_or("body")))?;
        let put = self.raw.put(&object).await?;
        tracing::info!(raw_id = %object.id, bytes = bytes.len(), is_new = (put == Put::Created), "kept");
        Ok(Kept { id: object.id, is_new: put == Put::Created })
    }
}

/// Sources are parts of keys and of addresses: small letters, digits and `_`, 40 at most.
pub fn check_source(source: &str) -> Result<(), IntakeError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=40).contains(&source.len()) && source.bytes().all(plain) && source != cauce_raw::CAUCE {
        return Ok(());
    }
    let reason = "is no name of a source: small letters, digits and '_', 40 at most; what Cauce says of itself is \
                  not pushed";
    Err(IntakeError::Source(BadValue::new("source", source, reason)))
}

/// A file's name as part of a key: what is not plain becomes a dash.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(kept).take(60).collect();
    if text.is_empty() { "file".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn the_same_bytes_are_one_object_and_come_back_as_they_were() {
        let intake = Intake::new(Arc::new(InMemory::new()));
        let brought = Brought {
            source: "binance_p2p",
            name: Some("Página 1.json"),
            fetched_at: "2026-03-01T10:20:30Z".parse().unwrap(),
            bytes: b"\xff\x00{",
        };
        let kept = intake.keep(&brought).await.unwrap();
        assert!(kept.is_new && kept.id.as_str().starts_with("binance_p2p/file/2026-03-01/10/p-gina-1-json-"));
        assert!(!intake.keep(&brought).await.unwrap().is_new);
        let lines = intake.raw.read(&kept.id).await.unwrap();
        let envelope = Envelope::read_line(lines.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((envelope.body.bytes(), envelope.file.as_deref()), (brought.bytes, brought.name));
    }

    #[tokio::test]
    async fn what_can_not_be_kept_is_refused() {
        let intake = Intake::new(Arc::new(InMemory::new()));
        let at = Utc::now();
        for source in ["", "Binance", "a/b", "..", "cauce", &"x".repeat(41)] {
            let brought = Brought { source, name: None, fetched_at: at, bytes: b"{}" };
            assert!(matches!(intake.keep(&brought).await, Err(IntakeError::Source(_))), "{source}");
        }
        let empty = Brought { source: "binance_p2p", name: None, fetched_at: at, bytes: b"" };
        assert!(matches!(intake.keep(&empty).await, Err(IntakeError::Empty)));
    }
}
