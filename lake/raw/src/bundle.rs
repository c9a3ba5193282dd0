use bytes::Bytes;
use cauce_model::{BadValue, RawId};
use chrono::NaiveDate;

use crate::{Envelope, RawError};

/// Envelopes on their way to becoming one raw object.
#[derive(Debug)]
pub struct Bundle {
    source: String,
    kind: &'static str,
    date: NaiveDate,
    group: String,
    lines: Vec<u8>,
}

/// A raw object, compressed, with the id that its content and origin give it.
#[derive(Debug, Clone)]
pub struct RawObject {
    /// Its identity.
    pub id: RawId,
    /// What is stored.
    pub bytes: Bytes,
}

impl Bundle {
    /// zstd's default. Simulated pages become 23 times smaller (docs/performance.md).
    const ZSTD_LEVEL: i32 = 3;

    /// An empty bundle for what `source` said on `date`; `group` is the run, or the hour, that it belongs to.
    pub fn new(source: &str, kind: &'static str, date: NaiveDate, group: &str) -> Self {
        Self { source: source.to_owned(), kind, date, group: group.to_owned(), lines: Vec::new() }
    }

    /// Adds one envelope.
    pub fn push(&mut self, envelope: &Envelope<'_>) -> Result<(), RawError> {
        envelope.write_line(&mut self.lines).map_err(RawError::Envelope)
    }

    /// Size before compression, in bytes.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The day of the bytes in it.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// Seals the bundle under `name` and the hash of its content: the same content has the same key.
    pub fn seal(self, name: &str) -> Result<RawObject, RawError> {
        let hash = blake3::hash(&self.lines).to_hex();
        self.finish(&format!("{name}-{}", &hash[..16]))
    }

    /// Seals the bundle under the hash of its group alone, so that there can be only one for the group. For
    /// run reports: whoever writes first closes the run.
    pub fn seal_unique(self, name: &str) -> Result<RawObject, RawError> {
        let hash = blake3::hash(self.group.as_bytes()).to_hex();
        self.finish(&format!("{name}-{}", &hash[..16]))
    }

    fn finish(self, name: &str) -> Result<RawObject, RawError> {
        let id = RawId::new(&self.source, self.kind, self.date, &self.group, name)
            .map_err(|error: BadValue| RawError::Key(error))?;
        let bytes = zstd::bulk::compress(&self.lines, Self::ZSTD_LEVEL).map_err(RawError::Compression)?;
        Ok(RawObject { id, bytes: bytes.into() })
    }
}
