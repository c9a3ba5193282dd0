//! One person's records in a raw object, and what stands in their place.
//!
//! A tombstone is the text `cauce-erased:N`: a record that had N events was there. In a table it is the first field of a
//! line whose others are empty, in JSON the only member of an object, else the whole body. The normalizer counts the
//! events that are gone, so that those behind them keep their places, and with them their ids. Whoever sends these words
//! erases nothing: they count in an envelope with the header `cauce-body` only, which nobody can bring.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use cauce_model::RawId;
use cauce_protocols::document::{self, Bytes, Node};
use cauce_raw::Envelope;
use serde_json::value::RawValue;

use crate::{
    ModelAnswer, open,
    payments::{BODY_HEADER, body_hash, unpacked},
};

/// How a tombstone begins.
pub const TOMBSTONE: &str = "cauce-erased:";

/// Whom to look for: texts that name one person, such as an e-mail address, a document, a telephone number, a customer's
/// id at a provider, a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    terms: Vec<String>,
}

impl Subject {
    /// The shortest text that names one person and not many.
    const SHORTEST: usize = 5;
    /// Documents inside documents that are opened.
    const DEEPEST: u8 = 3;

    /// Whoever any of these texts names. An error says which of them names too many.
    pub fn new(terms: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let terms: Vec<String> = terms.into_iter().map(|term| term.trim().to_lowercase()).collect();
        if let Some(short) = terms.iter().find(|term| term.chars().count() < Self::SHORTEST) {
            return Err(format!(
                "'{short}' is too short: it could name many; give {} characters or more",
                Self::SHORTEST
            ));
        }
        if terms.is_empty() {
            return Err("nobody is named".to_owned());
        }
        Ok(Self { terms })
    }

    /// Whether a text names them: as a word, in any case; a number also with other separators.
    pub fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.terms.iter().any(|term| has_word(&text, term) || has_number(&text, term))
    }

    fn is_in(&self, node: &Node) -> bool {
        self.is_below(node, 0)
    }

    fn is_below(&self, node: &Node, depth: u8) -> bool {
        match node {
            // Text may be a document of its own, with other escapes.
            Node::Text(text) => {
                self.is_named_in(text)
                    || depth < Self::DEEPEST && inner(text).iter().any(|node| self.is_below(node, depth + 1))
            }
            Node::Number(text) => self.is_named_in(text),
            Node::List(nodes) => nodes.iter().any(|node| self.is_below(node, depth)),
            Node::Map(members) => {
                members.iter().any(|(name, node)| self.is_named_in(name) || self.is_below(node, depth))
            }
            Node::Null | Node::Bool(_) => false,
        }
    }
}

/// The documents in a text that is one, as it is or in base64 (as Braintree posts them).
pub(crate) fn inner(text: &str) -> Vec<Node> {
    let is_document = |text: &str| text.trim_start().starts_with(['{', '[', '<']);
    if is_document(text) {
        return document::read_text(text).unwrap_or_default();
    }
    // What opens a document begins so in base64.
    if text.len() < 16 || !text.trim_start().starts_with(['P', 'W', 'e']) {
        return Vec::new();
    }
    let packed: String = text.split_whitespace().collect();
    let unpacked = BASE64_STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    unpacked
        .filter(|text| is_document(text))
        .and_then(|text| document::read_text(&text).ok())
        .unwrap_or_default()
}

/// Whether `word` stands in `text` with nothing around it that goes on.
fn has_word(text: &str, word: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric();
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
    })
}

/// Whether a number of seven digits or more stands there, whatever stands between its digits.
fn has_number(text: &str, term: &str) -> bool {
    let separates = |c: char| matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+');
    if !term.chars().all(|c| c.is_ascii_digit() || separates(c)) {
        return false;
    }
    let wanted: String = term.chars().filter(char::is_ascii_digit).collect();
    if wanted.len() < 7 {
        return false;
    }
    let runs = text.split(|c: char| !c.is_ascii_digit() && !separates(c));
    runs.map(|run| run.chars().filter(char::is_ascii_digit).collect::<String>()).any(|run| run == wanted)
}

/// A raw object without somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its lines, decompressed.
    pub object: Vec<u8>,
    /// Records that are tombstones now.
    pub records: u64,
    /// Of them bodies that went whole, and had others' records in them.
    pub whole_bodies: u64,
    /// Bodies that can't be unpacked, so that nobody knows whom they name.
    pub unreadable: u64,
}

/// The object `raw` without the records that name `subject`. Lines that can't be read are searched as text.
pub fn erased(raw: &RawId, object: &[u8], subject: &Subject) -> Erasure {
    let mut done =
        Erasure { object: Vec::with_capacity(object.len()), records: 0, whole_bodies: 0, unreadable: 0 };
    for line in open(object) {
        let kept = line.text();
        let found = match line.envelope() {
            Ok(envelope) => {
                done.unreadable += u64::from(unpacked(envelope).is_err());
                in_envelope(raw, line.pos(), envelope, subject)
            }
            Err(_) if subject.is_named_in(&String::from_utf8_lossy(kept)) => {
                Some((format!("{{\"{TOMBSTONE}\":1}}").into_bytes(), 1, 0))
            }
            Err(_) => None,
        };
        match found {
            Some((line, records, whole)) => {
                done.object.extend_from_slice(&line);
                done.records += records;
                done.whole_bodies += whole;
            }
            None => done.object.extend_from_slice(kept),
        }
        if !done.object.ends_with(b"\n") {
            done.object.push(b'\n');
        }
    }
    done
}

type Changed = (Vec<u8>, u64, u64);

fn in_envelope(raw: &RawId, pos: i32, envelope: &Envelope<'_>, subject: &Subject) -> Option<Changed> {
    let body = envelope.body.bytes();
    let plain = unpacked(envelope).unwrap_or(Cow::Borrowed(body));
    let content_type = envelope.headers.get("content-type").map(String::as_str);
    let records = document::read(Bytes { content_type, body: &plain });
    let named = match &records {
        Ok(records) => records.iter().any(|record| subject.is_in(record)),
        Err(_) => false,
    };
    // Also what no reader understands is text, maybe encoded as in forms; and so are the names of members.
    let in_form = || {
        form_urlencoded::parse(&plain)
            .any(|(name, value)| [name, value].iter().any(|text| subject.is_named_in(text)))
    };
    let in_headers = envelope.headers.values().any(|value| subject.is_named_in(value));
    let in_name = envelope.file.as_deref().is_some_and(|name| subject.is_named_in(name));
    if !named
        && !subject.is_named_in(&String::from_utf8_lossy(&plain))
        && !in_form()
        && !in_headers
        && !in_name
    {
        return None;
    }
    let parts = (!in_headers && !in_name).then(|| in_parts(raw, pos, envelope, &plain, subject)).flatten();
    let (body, count, whole) = parts.unwrap_or_else(|| {
        let events = crate::payments::events(raw, pos, envelope).len().max(1);
        let others = u64::from(events > 1 || records.is_ok_and(|records| records.len() > 1));
        (tombstone(events).into_bytes(), 1, others)
    });
    let mut kept = envelope.clone();
    // Not packed any more; and by their headers others are recognized.
    kept.headers.remove("content-encoding");
    kept.headers.retain(|_, value| !subject.is_named_in(value));
    kept.headers.entry(BODY_HEADER.to_owned()).or_insert_with(|| body_hash(envelope.body.bytes()));
    if in_name {
        kept.file = None;
    }
    kept.body = cauce_raw::Body::new(body);
    let mut line = Vec::new();
    kept.write(&mut line).ok()?;
    Some((line, count, whole))
}

fn tombstone(events: usize) -> String {
    format!("{{\"erased\":\"{TOMBSTONE}{events}\"}}")
}

/// The body with tombstones for single records: elements of a list in JSON, or lines. None where it has no such parts,
/// or they can't be told apart.
fn in_parts(
    raw: &RawId,
    pos: i32,
    envelope: &Envelope<'_>,
    plain: &[u8],
    subject: &Subject,
) -> Option<Changed> {
    let text = std::str::from_utf8(plain).ok()?;
    let names = |part: &str| match document::read_text(part) {
        Ok(records) => records.iter().any(|record| subject.is_in(record)) || subject.is_named_in(part),
        Err(_) => subject.is_named_in(part),
    };
    // How many events a part alone gives is what it gave.
    let events_of = |part: &[u8]| {
        let mut alone = envelope.clone();
        alone.headers.remove("content-encoding");
        alone.body = cauce_raw::Body::new(part.to_vec());
        crate::payments::events(raw, pos, &alone).len().max(1)
    };
    let mut count = 0;
    if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text) {
        let mut kept = Vec::new();
        for element in elements {
            if names(element.get()) {
                count += 1;
                kept.push(tombstone(events_of(element.get().as_bytes())));
            } else {
                kept.push(element.get().to_owned());
            }
        }
        return (count > 0).then(|| (format!("[{}]", kept.join(",")).into_bytes(), count, 0));
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_json_lines =
        lines.len() > 1 && lines.iter().all(|line| line.trim().is_empty() || line.trim().starts_with('{'));
    // A quoted field may go over several lines: then nobody can tell them apart so simply.
    let is_table = lines.len() > 1
        && !is_json_lines
        && lines.iter().all(|line| line.matches('"').count() % 2 == 0)
        && document::read(Bytes { content_type: None, body: plain }).is_ok_and(|records| {
            records.len() + 1 >= lines.iter().filter(|line| !line.trim().is_empty()).count()
        });
    if !is_json_lines && !is_table {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let head = lines.first().copied().unwrap_or_default();
    for (number, line) in lines.iter().enumerate() {
        let is_head = is_table && number == 0;
        let is_theirs = !is_head && (subject.is_named_in(line) || is_json_lines && names(line));
        if !is_theirs {
            kept.push_str(line);
            continue;
        }
        count += 1;
        if is_json_lines {
            kept.push_str(&tombstone(events_of(line.as_bytes())));
        } else {
            let separator =
                [';', '\t', '|', ','].into_iter().max_by_key(|separator| head.matches(*separator).count())?;
            let others = head.matches(separator).count();
            let alone = format!("{head}{line}");
            kept.push_str(&format!("{TOMBSTONE}{}", events_of(alone.as_bytes())));
            kept.extend(std::iter::repeat_n(separator, others));
        }
        kept.push('\n');
    }
    (count > 0).then(|| (kept.into_bytes(), count, 0))
}

/// How many events a record had that is a tombstone; none for one that is not.
pub(crate) fn events_gone(record: &Node) -> Option<usize> {
    let marked = |node: &Node| node.text()?.strip_prefix(TOMBSTONE)?.parse::<usize>().ok();
    match record {
        Node::Map(members) => members.iter().find_map(|(_, node)| marked(node)),
        other => marked(other),
    }
}

/// The events that the answers in an object of models' answers are about: raw object, line, and place in it.
pub fn answers_to(object: &[u8]) -> Vec<(RawId, i32, i32)> {
    let lines = open(object);
    let answers = lines.iter().filter_map(|line| {
        let body = line.envelope().ok()?.body.bytes();
        serde_json::from_slice::<ModelAnswer>(body).ok()
    });
    answers.map(|answer| (answer.raw_id, answer.raw_pos, answer.record)).collect()
}

/// An object of models' answers with a tombstone in the place of each.
pub fn without_answers(object: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for line in open(object) {
        if let Ok(envelope) = line.envelope() {
            let mut envelope = envelope.clone();
            envelope.headers.insert(BODY_HEADER.to_owned(), body_hash(envelope.body.bytes()));
            envelope.body = cauce_raw::Body::new(tombstone(1).into_bytes());
            // Written to memory.
            let _ = envelope.write(&mut kept);
        }
    }
    kept
}
