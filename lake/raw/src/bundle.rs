use bytes::Bytes;
use cauce_model::{BadValue, RawId};
use chrono::NaiveDate;

use crate::{Envelope, RawError, RawZone};

/// Envelopes on their way to becoming one raw object.
#[derive(Debug)]
pub struct Bundle {
    source: String,
    kind: &'static str,
    date: NaiveDate,
    group: String,
    lines: Vec<u8>,
    /// Over the lines, without the times of receipt.
    content: blake3::Hasher,
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
    pub(crate) const ZSTD_LEVEL: i32 = 3;

    /// An empty bundle for what `source` said on `date`; `group` is the run, or the hour, that it belongs to.
    pub fn new(source: &str, kind: &'static str, date: NaiveDate, group: &str) -> Self {
        Self {
            source: source.to_owned(),
            kind,
            date,
            group: group.to_owned(),
            lines: Vec::new(),
            content: blake3::Hasher::new(),
        }
    }

    /// Adds one envelope.
    pub fn push(&mut self, envelope: &Envelope<'_>) -> Result<(), RawError> {
        let start = self.lines.len();
        envelope.write_line(None, &mut self.lines).map_err(RawError::Envelope)?;
        self.content.update(&self.lines[start..]);
        if envelope.received_at.is_some() {
            self.lines.truncate(start);
            envelope.write_line(envelope.received_at, &mut self.lines).map_err(RawError::Envelope)?;
        }
        Ok(())
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

    /// Seals the bundle under `name` and the hash of its content: the same content has the same key, whenever it was
    /// received.
    pub fn seal(self, name: &str) -> Result<RawObject, RawError> {
        let hash = self.content.finalize().to_hex();
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
        Ok(RawObject { id, bytes: RawZone::compress(&self.lines)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[test]
    fn what_is_received_again_has_the_same_key() {
        let sealed = |body: &[u8], received: Option<&str>| {
            let mut envelope = Envelope::bare(body.to_vec(), "2026-03-01T10:00:00Z".parse().unwrap());
            envelope.received_at = received.map(|time| time.parse().unwrap());
            let date = "2026-03-01".parse().unwrap();
            let mut bundle = Bundle::new("binance_p2p", kind::FILE, date, "10");
            bundle.push(&envelope).unwrap();
            bundle.seal("file").unwrap()
        };
        let (early, late) = (Some("2026-03-02T08:00:00Z"), Some("2026-03-03T08:00:00Z"));
        let first = sealed(b"{}", early);
        assert_eq!(first.id, sealed(b"{}", late).id);
        assert_eq!(first.id, sealed(b"{}", None).id);
        assert_ne!(first.id, sealed(b"[]", early).id);
        let lines = RawZone::decompress(&first.id, &first.bytes).unwrap();
        let line = lines.strip_suffix(b"\n").unwrap();
        assert_eq!(
            Envelope::read_line(line).unwrap().known_since(),
            early.unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap()
        );
    }
}
