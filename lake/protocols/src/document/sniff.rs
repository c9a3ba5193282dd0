use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{Bytes, Unreadable};

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
    /// With this between values.
    Csv(u8),
    Fields,
}

/// The text of a body: by its mark, what its sender says, what its XML says, as UTF-8 if it is that, else as western
/// European text, which every byte is.
pub(super) fn decoded<'a>(bytes: Bytes<'a>) -> Cow<'a, str> {
    let encoding = Encoding::for_bom(bytes.body)
        .map(|(encoding, _)| encoding)
        .or_else(|| charset(bytes.content_type?).filter(|_| std::str::from_utf8(bytes.body).is_err()))
        .or_else(|| declared(bytes.body).filter(|_| std::str::from_utf8(bytes.body).is_err()))
        .unwrap_or_else(|| if std::str::from_utf8(bytes.body).is_ok() { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(bytes.body).0
}

fn charset(content_type: &str) -> Option<&'static Encoding> {
    let lower = content_type.to_ascii_lowercase();
    let label = lower.split("charset=").nth(1)?.split(';').next()?;
    Encoding::for_label(label.trim().trim_matches('"').as_bytes())
}

/// What the first line of XML says.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let head = head.split("?>").next()?;
    let label = head.split("encoding=").nth(1)?.get(1..)?;
    Encoding::for_label(label.split(['"', '\'']).next()?.as_bytes())
}

pub(super) fn form(text: &str, content_type: Option<&str>) -> Result<Form, Unreadable> {
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    let first = text.as_bytes().first().copied().ok_or(Unreadable::Empty)?;
    match first {
        b'{' | b'[' => return Ok(Form::Json),
        // A quote begins JSON text, or the first name of a table.
        b'"' if !kind.contains("csv") && (text.len() > 1 && text.ends_with('"') && !text.contains('\n')) => {
            return Ok(Form::Json);
        }
        b'<' => {
            let head = text.get(..text.len().min(200)).unwrap_or(text).to_ascii_lowercase();
            let is_page = head.starts_with("<!doctype html") || head.starts_with("<html");
            return if is_page { Err(Unreadable::WebPage) } else { Ok(Form::Xml) };
        }
        _ => {}
    }
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t', b'|']
        .into_iter()
        .map(|delimiter| (head.bytes().filter(|byte| *byte == delimiter).count(), delimiter))
        .filter(|(count, _)| *count > 0)
        .max_by_key(|(count, _)| *count)
        .map(|(_, delimiter)| delimiter);
    let has_rows = text.lines().count() > 1;
    match delimiter {
        Some(delimiter) if has_rows && !kind.contains("urlencoded") => Ok(Form::Csv(delimiter)),
        None if kind.contains("csv") && has_rows => Ok(Form::Csv(b',')),
        // Whoever says that it is a form may have escaped nothing in it.
        _ if !has_rows && kind.contains("urlencoded") && text.contains('=') => Ok(Form::Fields),
        _ if !has_rows && is_fields(text) => Ok(Form::Fields),
        _ => Err(Unreadable::UnknownForm),
    }
}

/// `name=value&name=value`, with nothing in it that would have been escaped.
fn is_fields(text: &str) -> bool {
    let plain = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'<' | b'>' | b'"' | b'{' | b'}');
    text.bytes().all(plain)
        && text.split('&').all(|pair| pair.split('=').next().is_some_and(|name| !name.is_empty()))
        && text.contains('=')
}
