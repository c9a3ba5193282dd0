//! What payment providers say: each webhook is one raw object, with the headers that are needed to understand it.

use std::{borrow::Cow, collections::BTreeMap};

use cauce_model::RawId;
use cauce_raw::{Bundle, Envelope, Put, kind};
use chrono::{DateTime, Utc};

use crate::{Intake, IntakeError, Kept, check_source};

/// Something that a provider said, or that somebody says it said.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// The provider, as the address names it; `events` where nobody names one.
    pub source: &'a str,
    /// Its headers, names in small letters. Those that say who may ask are left out by [`kept_headers`].
    pub headers: BTreeMap<String, String>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Its body.
    pub bytes: &'a [u8],
}

impl Said<'_> {
    fn envelope_of<'b>(&self, bytes: impl Into<Cow<'b, [u8]>>) -> Envelope<'b> {
        let mut envelope = Envelope::bare(bytes, self.received_at);
        envelope.headers.clone_from(&self.headers);
        envelope.received_at = Some(self.received_at);
        envelope
    }
}

/// Bytes that are kept of what was refused: enough to see what it was.
const EVIDENCE: usize = 16 << 10;

impl Intake {
    /// What normalizing it now reads: the same as is kept.
    pub fn envelope(&self, said: &Said<'_>) -> Envelope<'static> {
        let mut envelope = said.envelope_of(said.bytes.to_vec());
        envelope.headers.extend(self.marks());
        envelope
    }

    /// Keeps an event as a raw object of its own.
    pub async fn keep_event(&self, said: &Said<'_>) -> Result<Kept, IntakeError> {
        self.keep_said(said, kind::PAYMENT_EVENT, said.bytes).await
    }

    /// Keeps what was refused, or its beginning, as evidence.
    pub async fn keep_forged(&self, said: &Said<'_>) -> Result<RawId, IntakeError> {
        let head = &said.bytes[..said.bytes.len().min(EVIDENCE)];
        Ok(self.keep_said(said, kind::FORGED_EVENT, head).await?.id)
    }

    async fn keep_said(
        &self,
        said: &Said<'_>,
        kind: &'static str,
        bytes: &[u8],
    ) -> Result<Kept, IntakeError> {
        check_source(said.source)?;
        if bytes.is_empty() {
            return Err(IntakeError::Empty);
        }
        let hour = said.received_at.format("%H").to_string();
        let mut bundle = Bundle::new(said.source, kind, said.received_at.date_naive(), &hour);
        let mut envelope = said.envelope_of(bytes);
        envelope.headers.extend(self.marks());
        bundle.push(&envelope)?;
        let object = bundle.seal("event")?;
        let put = self.raw.put(&object).await?;
        tracing::info!(raw_id = %object.id, bytes = bytes.len(), is_new = (put == Put::Created), "kept");
        Ok(Kept { id: object.id, is_new: put == Put::Created })
    }
}

/// The headers that an event is kept with: what says in which form it is, and signatures. What says who may ask is not
/// among them, and neither is what could name a person.
pub fn kept_headers<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> BTreeMap<String, String> {
    const NAMED: [&str; 6] = [
        "content-type",
        "content-encoding",
        "x-request-id",
        "x-event-checksum",
        "x-razorpay-event-id",
        "digest",
    ];
    headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| {
            NAMED.contains(&name.as_str()) || name.contains("signature") || name.starts_with("paypal-")
        })
        .map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()))
        .collect()
}
