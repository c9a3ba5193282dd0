//! Cursors: where a page of a long answer begins. Opaque to who gets them; good for the list that they came with, whatever
//! its filters are: a period that ends now has moved on when the next page is asked for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cauce_query::Page;
use serde_json::Value;

use crate::{ApiError, bad};

const ALLOWED: &str = "the next of the page before; or none, for the first page";

/// A cursor for what comes after the row with these keys.
pub(crate) fn after(list: &str, keys: &[Value]) -> String {
    let keys = Value::Array(keys.to_vec()).to_string();
    URL_SAFE_NO_PAD.encode([mark(list).as_slice(), keys.as_bytes()].concat())
}

/// The page that a cursor begins; without one the first.
pub(crate) fn page(list: &str, cursor: Option<&str>, limit: u32) -> Result<Page, ApiError> {
    let Some(cursor) = cursor else { return Ok(Page { limit, after: None }) };
    let foreign = || bad("cursor", Some(cursor.to_owned()), "is not a cursor of this list", ALLOWED);
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| foreign())?;
    let (marked, keys) = bytes.split_at_checked(MARK).ok_or_else(foreign)?;
    if marked != mark(list) {
        return Err(foreign());
    }
    let keys: Vec<Value> = serde_json::from_slice(keys).map_err(|_| foreign())?;
    Ok(Page { limit, after: Some(keys) })
}

/// Bytes by which a cursor knows its question.
const MARK: usize = 8;

fn mark(list: &str) -> [u8; MARK] {
    let mut mark = [0; MARK];
    mark.copy_from_slice(&blake3::hash(list.as_bytes()).as_bytes()[..MARK]);
    mark
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_list_only() {
        let keys = vec![json!("2026-03-01T10:00:00Z"), json!(7), json!(null)];
        let cursor = after("changes", &keys);
        assert_eq!(page("changes", Some(&cursor), 10).unwrap(), Page { limit: 10, after: Some(keys) });
        assert_eq!(page("anything", None, 10).unwrap(), Page { limit: 10, after: None });
        for (list, cursor) in [("errors", cursor.as_str()), ("changes", "AAAA"), ("changes", "é")] {
            let refused = page(list, Some(cursor), 10).unwrap_err();
            assert!(matches!(refused, ApiError::BadParameter { ref parameter, .. } if parameter == "cursor"));
        }
    }
}
