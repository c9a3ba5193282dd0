use thiserror::Error;

/// A value that a field refuses: which field, what was given, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: '{value}' {reason}")]
pub struct BadValue {
    /// The field's own name, as the caller knows it.
    pub field: &'static str,
    /// The value as given, cut to a length that fits a log line.
    pub value: String,
    /// Why it is refused; reads on from the value: "is not a number".
    pub reason: String,
}

impl BadValue {
    /// The longest value kept in an error, in characters.
    const SHOWN: usize = 120;

    /// Names the field, the value (cut) and the reason.
    pub fn new(field: &'static str, value: impl AsRef<str>, reason: impl Into<String>) -> Self {
        let value = value.as_ref();
        let shown = match value.char_indices().nth(Self::SHOWN) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        Self { field, value: shown, reason: reason.into() }
    }
}
