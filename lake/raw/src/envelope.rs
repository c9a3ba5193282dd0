use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use cauce_model::{Market, RunId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sonic_rs::LazyValue;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Where it was sent.
    pub url: String,
    /// The JSON that was sent with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// One thing that the outside said, with what is needed to understand it later: one line of a raw object.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    /// The run that asked, if one did.
    pub run_id: Option<RunId>,
    /// The market that was asked for.
    pub market: Option<Market>,
    /// Which of its pages, from 1.
    pub page: Option<u32>,
    /// The file that was imported.
    pub file: Option<Cow<'a, str>>,
    /// The request, for what was asked over HTTP: a [`Request`] as JSON. [`Envelope::request`] reads it.
    pub request: Option<Cow<'a, str>>,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Headers of the answer that matter later.
    pub headers: BTreeMap<String, String>,
    /// When the bytes were obtained.
    pub fetched_at: DateTime<Utc>,
    /// When the lake got them, where that is another time: imports, and what others pushed. It is no part of what the
    /// bytes say, and of no raw object's name: the same file imported twice is one object.
    pub received_at: Option<DateTime<Utc>>,
    /// The bytes.
    pub body: Body<'a>,
}

/// A body, verbatim.
///
/// In the line it stands as it is under `body` where it is JSON on one line, so that reading it back costs no
/// unescaping and other tools see JSON; as a string under `body_text` where it is other text; and as
/// `body_base64` where it is not UTF-8. Each gives back the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<'a>(Cow<'a, [u8]>);

impl<'a> Body<'a> {
    /// A body of these bytes.
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, borrowed from the line where they stand there unescaped.
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.0
    }

    /// The body as JSON that can stand in a line unchanged, if it is that.
    fn as_line_json(&self) -> Option<&RawValue> {
        let one_line = !self.0.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        let trimmed = !self.0.first().is_some_and(u8::is_ascii_whitespace)
            && !self.0.last().is_some_and(u8::is_ascii_whitespace);
        if one_line && trimmed { serde_json::from_slice(&self.0).ok() } else { None }
    }
}

/// A line as it is read: JSON that the reader may not need stays text.
#[derive(Deserialize)]
struct LineIn<'a> {
    v: u32,
    run_id: Option<RunId>,
    market: Option<Market>,
    page: Option<u32>,
    file: Option<String>,
    #[serde(borrow)]
    request: Option<LazyValue<'a>>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    fetched_at: DateTime<Utc>,
    received_at: Option<DateTime<Utc>>,
    #[serde(borrow)]
    body: Option<LazyValue<'a>>,
    body_text: Option<String>,
    body_base64: Option<String>,
}

/// A line as it is written: the length of a JSON body first and the body last, see [`split_body`].
#[derive(Serialize)]
struct LineOut<'a> {
    v: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    market: Option<&'a Market>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    fetched_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// The version of the line's layout.
    const VERSION: u32 = 1;

    /// An envelope around bytes that were obtained at `fetched_at`, and nothing else known about them.
    pub fn bare(body: impl Into<Cow<'a, [u8]>>, fetched_at: DateTime<Utc>) -> Self {
        Self {
            run_id: None,
            market: None,
            page: None,
            file: None,
            request: None,
            status: None,
            headers: BTreeMap::new(),
            fetched_at,
            received_at: None,
            body: Body::new(body),
        }
    }

    /// When the lake got the bytes: whoever fetches them for the lake gives them to it at once.
    pub fn known_since(&self) -> DateTime<Utc> {
        self.received_at.unwrap_or(self.fetched_at)
    }

    /// What was asked, for what was asked over HTTP.
    pub fn request(&self) -> Option<Request> {
        serde_json::from_str(self.request.as_deref()?).ok()
    }

    /// Appends the envelope to `out` as one line.
    pub fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.write_line(self.received_at, out)
    }

    /// Appends the envelope to `out` as one line, with or without a time of receipt.
    pub(crate) fn write_line(
        &self,
        received_at: Option<DateTime<Utc>>,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let json = self.body.as_line_json();
        let text = if json.is_none() { std::str::from_utf8(self.body.bytes()).ok() } else { None };
        let line = LineOut {
            v: Self::VERSION,
            body_bytes: json.map(|json| json.get().len()),
            run_id: self.run_id,
            market: self.market.as_ref(),
            page: self.page,
            file: self.file.as_deref(),
            request: self.request.as_deref().map(serde_json::from_str).transpose()?,
            status: self.status,
            headers: &self.headers,
            fetched_at: self.fetched_at,
            received_at,
            body: json,
            body_text: text,
            body_base64: (json.is_none() && text.is_none())
                .then(|| BASE64_STANDARD.encode(self.body.bytes())),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.push(b'\n');
        Ok(())
    }

    /// Reads one line. The error says what is wrong with it.
    pub fn read_line(line: &'a [u8]) -> Result<Self, String> {
        // The parser takes bytes on trust and would hand out text that is none.
        let text = |bytes| std::str::from_utf8(bytes).map_err(|error| error.to_string());
        match split_body(line) {
            Some((mut head, body)) => {
                head.push_str("null}");
                let head: LineIn<'_> = sonic_rs::from_str(&head).map_err(|error| error.to_string())?;
                head.into_envelope(Some(Cow::Borrowed(body)))
            }
            None => {
                let mut line: LineIn<'a> =
                    sonic_rs::from_str(text(line)?).map_err(|error| error.to_string())?;
                let body = line.body.take().map(|json| bytes_of(json.as_raw_cow()));
                line.into_envelope(body)
            }
        }
    }
}

impl LineIn<'_> {
    fn into_envelope<'b>(self, json: Option<Cow<'b, [u8]>>) -> Result<Envelope<'b>, String> {
        let line = self;
        if line.v != Envelope::VERSION {
            return Err(format!("envelope version {} is not known, only {}", line.v, Envelope::VERSION));
        }
        let body = match (json, line.body_text, line.body_base64) {
            (Some(json), None, None) => json,
            (None, Some(text), None) => Cow::Owned(text.into_bytes()),
            (None, None, Some(text)) => {
                Cow::Owned(BASE64_STANDARD.decode(text.as_bytes()).map_err(|error| error.to_string())?)
            }
            (None, None, None) => Cow::Borrowed(&b"null"[..]),
            _ => return Err("envelope has more than one body".to_owned()),
        };
        Ok(Envelope {
            run_id: line.run_id,
            market: line.market,
            page: line.page,
            file: line.file.map(Cow::Owned),
            request: line.request.map(|request| Cow::Owned(request.as_raw_str().to_owned())),
            status: line.status,
            headers: line.headers,
            fetched_at: line.fetched_at,
            received_at: line.received_at,
            body: Body(body),
        })
    }
}

/// Head and body of a line that says at its beginning how long its body is. The body is most of a line, and its reader
/// checks it; looking for its end here would read everything twice. A line that says nothing of the kind, or something
/// wrong, is read the long way.
fn split_body(line: &[u8]) -> Option<(String, &[u8])> {
    let digits = line.strip_prefix(LENGTH_FIRST)?;
    let digits = &digits[..digits.iter().position(|byte| !byte.is_ascii_digit())?];
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let end = line.len().checked_sub(1).filter(|end| line[*end] == b'}')?;
    let (head, body) = line[..end].split_at_checked(end.checked_sub(length)?)?;
    let head = head.ends_with(BODY_LAST).then(|| std::str::from_utf8(head).ok())??;
    Some((head.to_owned(), body))
}

/// How a line begins whose body is JSON.
const LENGTH_FIRST: &[u8] = br#"{"v":1,"body_bytes":"#;
/// What stands before such a body.
const BODY_LAST: &[u8] = br#","body":"#;

fn bytes_of(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The lines of a raw object with their positions. Empty lines count, so that positions are line numbers.
pub fn lines(object: &[u8]) -> impl Iterator<Item = (i32, &[u8])> {
    let without_end = object.strip_suffix(b"\n").unwrap_or(object);
    let ends = memchr::memchr_iter(b'\n', without_end).chain([without_end.len()]);
    let lines = ends.scan(0, |start, end| Some(&without_end[std::mem::replace(start, end + 1)..end]));
    (0..).zip(lines).filter(|(_, line)| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-03-01T10:20:30.123456Z".parse().unwrap()
    }

    fn round_trip(body: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut line = Vec::new();
        Envelope::bare(body, at()).write_line(Some(at()), &mut line).unwrap();
        let back = Envelope::read_line(line.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((back.fetched_at, back.received_at), (at(), Some(at())));
        (line.clone(), back.body.bytes().to_vec())
    }

    #[test]
    fn json_stands_in_the_line_as_it_came() {
        let body = br#"{"price": "61.450",  "odd":1e5}"#;
        let (line, back) = round_trip(body);
        assert!(line.windows(body.len()).any(|window| window == body));
        assert_eq!(back, body);
    }

    #[test]
    fn bodies_that_are_not_one_line_of_json_come_back_byte_for_byte() {
        let bodies: [&[u8]; 8] =
            [b"", b" {}", b"{}\n", b"{\n\"a\": 1}", b"<html>", b"\xff\xfe", b"null", b"{\"a\":"];
        for body in bodies {
            assert_eq!(round_trip(body).1, body, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn positions_are_line_numbers() {
        let found: Vec<_> = lines(b"a\n\nb\n").collect();
        assert_eq!(found, [(0, &b"a"[..]), (2, &b"b"[..])]);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(body in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(round_trip(&body).1, body);
        }

        #[test]
        fn any_line_is_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Envelope::read_line(&line);
        }
    }
}
