//! What form an answer should have, and whether who asks has it already.

use axum::http::{HeaderMap, header};
use cauce_query::Format;

use crate::ApiError;

/// The format that is asked for: the parameter `format` first, so that links can name one, then the header `Accept`.
/// Without either it is JSON.
pub(crate) fn format_of(headers: &HeaderMap, named: Option<Format>) -> Result<Format, ApiError> {
    if let Some(format) = named {
        return Ok(format);
    }
    let accepted: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accepted = accepted.join(",");
    if accepted.trim().is_empty() {
        return Ok(Format::Json);
    }
    let ranges: Vec<Range<'_>> = accepted.split(',').filter_map(Range::parse).collect();
    let best = Format::ALL
        .into_iter()
        .map(|format| (format, quality(&ranges, format.media_type())))
        .filter(|(_, quality)| *quality > 0)
        // Of equals the first: JSON before all others.
        .reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(format, _)| format).ok_or_else(|| ApiError::NotAcceptable {
        message: format!("nothing here has a form that 'Accept: {accepted}' takes"),
        allowed: Format::ALL.map(Format::media_type).join(", "),
    })
}

/// A media range with its quality in thousandths (RFC 9110, 12.5.1).
struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    quality: u32,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subkind) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(Self { kind, subkind, quality: quality.map_or(Some(1_000), thousandths)? })
    }

    fn fits(&self, media_type: &str) -> Option<u8> {
        let (kind, subkind) = media_type.split_once('/')?;
        match (self.kind, self.subkind) {
            ("*", "*") => Some(0),
            (wanted, "*") if wanted.eq_ignore_ascii_case(kind) => Some(1),
            (wanted, exact) if wanted.eq_ignore_ascii_case(kind) && exact.eq_ignore_ascii_case(subkind) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// A quality as it is written: `0`, `1`, `0.7`, up to three digits after the point.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let quality = whole.parse::<u32>().ok()? * 1_000 + format!("{part:0<3}").parse::<u32>().ok()?;
    (quality <= 1_000).then_some(quality)
}

/// The most specific range that fits decides.
fn quality(ranges: &[Range<'_>], media_type: &str) -> u32 {
    let fitting = ranges.iter().filter_map(|range| Some((range.fits(media_type)?, range.quality)));
    fitting.max().map_or(0, |(_, quality)| quality)
}

/// Whether `If-None-Match` names this tag. Tags are compared weakly, as RFC 9110 says for this header: a gateway that
/// compresses makes them weak.
pub(crate) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

    use super::*;

    fn asked(accept: &str) -> Result<Format, ApiError> {
        format_of(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]), None)
    }

    #[test]
    fn the_best_that_is_accepted() {
        for (accept, format) in [
            ("*/*", Format::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV; charset=utf-8", Format::Csv),
            ("text/*, application/json;q=0.9", Format::Csv),
            ("application/json;q=0.5, application/vnd.apache.parquet", Format::Parquet),
            ("*/*;q=0.1, application/json;q=0, text/csv;q=0.05", Format::Ndjson),
            ("application/vnd.apache.arrow.stream", Format::Arrow),
            ("", Format::Json),
        ] {
            assert_eq!(asked(accept).unwrap(), format, "{accept}");
        }
        assert!(matches!(asked("image/png"), Err(ApiError::NotAcceptable { .. })));
        assert_eq!(format_of(&HeaderMap::new(), None).unwrap(), Format::Json);
    }

    #[test]
    fn a_tag_is_known_among_others_and_weakly() {
        let has = |value: &str| {
            has_already(&HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]), "\"abc\"")
        };
        assert!(has("\"abc\"") && has("W/\"abc\"") && has("\"x\", \"abc\"") && has("*"));
        assert!(!has("\"abd\"") && !has("abc"));
    }
}
