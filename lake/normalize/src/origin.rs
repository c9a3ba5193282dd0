//! From a position in a raw object back to the bytes: what a row was read from.

use cauce_model::RawId;
use cauce_protocols::{
    Drift, legacy,
    venues::{self, PageReader, Record},
};
use cauce_raw::Request;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::open;

/// What stands at a position of a raw object.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// When the bytes were obtained.
    pub fetched_at: DateTime<Utc>,
    /// What was asked, where it was asked over HTTP.
    pub request: Option<Request>,
    /// The record, verbatim: the offer's part of the page for an offer, the whole body for anything else.
    pub record: String,
}

/// Why nothing stands there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoOrigin {
    /// The object is shorter.
    #[error("{key} has no line {pos}")]
    NoLine {
        /// The object's key.
        key: String,
        /// The line.
        pos: i32,
    },
    /// The line is no envelope.
    #[error("line {pos} of {key}: {reason}")]
    Unreadable {
        /// The object's key.
        key: String,
        /// The line.
        pos: i32,
        /// What is wrong with it.
        reason: String,
    },
}

/// What stands at line `pos` of the object; of a page of offers only the part that is `offer`, if that is there.
pub fn origin(id: &RawId, object: &[u8], pos: i32, offer: Option<&str>) -> Result<Origin, NoOrigin> {
    let lines = open(object);
    let line = lines.iter().find(|line| line.pos() == pos);
    let line = line.ok_or_else(|| NoOrigin::NoLine { key: id.key(), pos })?;
    let unreadable = |reason: &str| NoOrigin::Unreadable { key: id.key(), pos, reason: reason.to_owned() };
    let envelope = line.envelope().map_err(unreadable)?;
    let body = envelope.body.bytes();
    let record = offer.and_then(|offer| offer_in(id, body, offer));
    Ok(Origin {
        fetched_at: envelope.fetched_at,
        request: envelope.request(),
        record: record.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
    })
}

/// The part of a page that is the offer.
fn offer_in(id: &RawId, body: &[u8], wanted: &str) -> Option<String> {
    let reader: &dyn PageReader = match venues::find(id.source()) {
        Some(venue) => venue,
        None if id.source() == legacy::SOURCE => &legacy::Offers,
        None => return None,
    };
    let page = reader.read(body, &mut Drift::default()).ok()?;
    let is_it = |record: &Record<'_>| matches!(record, Record::Offer { offer, .. } if offer.id == wanted);
    let index = page.records.iter().position(is_it)?;
    Some(reader.verbatim(body, index).into_owned())
}
