//! Files of trades, each of one account.

use std::borrow::Cow;

use cauce_model::{AccountId, RawId};
use cauce_raw::{ACCOUNT_HEADER, Bundle, Envelope, Put, kind};
use chrono::{DateTime, Utc};

use crate::{Intake, IntakeError, Kept, plain};

/// A file of trades that was brought.
#[derive(Debug, Clone)]
pub struct BroughtTrades<'a> {
    /// Whose they are.
    pub account: &'a AccountId,
    /// What the file is called.
    pub name: &'a str,
    /// What is needed to read it ever after: the value of [`ACCOUNT_HEADER`].
    pub header: String,
    /// When it was brought.
    pub fetched_at: DateTime<Utc>,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl BroughtTrades<'_> {
    /// The raw object that it is kept as, and the line in that.
    pub fn as_kept(&self) -> Result<(RawId, Envelope<'_>), IntakeError> {
        let envelope = self.envelope();
        Ok((self.sealed(&envelope)?.id, envelope))
    }

    fn envelope(&self) -> Envelope<'_> {
        let mut envelope = Envelope::bare(self.bytes, self.fetched_at);
        envelope.file = Some(Cow::Borrowed(self.name));
        envelope.received_at = Some(self.fetched_at);
        envelope.headers.insert(ACCOUNT_HEADER.to_owned(), self.header.clone());
        envelope
    }

    fn sealed(&self, envelope: &Envelope<'_>) -> Result<cauce_raw::RawObject, IntakeError> {
        if self.bytes.is_empty() {
            return Err(IntakeError::Empty);
        }
        let hour = self.fetched_at.format("%H").to_string();
        let mut bundle =
            Bundle::new(self.account.as_str(), kind::TRADES, self.fetched_at.date_naive(), &hour);
        bundle.push(envelope)?;
        Ok(bundle.seal(&plain(self.name))?)
    }
}

impl Intake {
    /// Keeps a file of trades as a raw object of its account.
    pub async fn keep_trades(&self, brought: &BroughtTrades<'_>) -> Result<Kept, IntakeError> {
        let object = brought.sealed(&brought.envelope())?;
        let put = self.raw.put(&object).await?;
        tracing::info!(raw_id = %object.id, bytes = brought.bytes.len(), is_new = (put == Put::Created), "kept");
        Ok(Kept { id: object.id, is_new: put == Put::Created })
    }
}
