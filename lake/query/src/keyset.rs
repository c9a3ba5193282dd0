//! Pages of a long answer by the keys of its rows: the next page begins after the last row's keys, whatever was added in
//! between, and costs no more than the first.

use arrow::array::RecordBatch;
use serde_json::{Map, Value};

use crate::{QueryError, history::quoted, json_rows};

/// What a key's values are, and so how they are written in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Time,
    Number,
}

/// A column that rows are ordered by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Its name in the answer.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) descending: bool,
    /// Where the column can be null: what null is in the order.
    pub(crate) null_as: Option<&'static str>,
}

impl Key {
    pub(crate) const fn newest(name: &'static str) -> Self {
        Self { name, kind: Kind::Time, descending: true, null_as: None }
    }

    pub(crate) const fn text(name: &'static str) -> Self {
        Self { name, kind: Kind::Text, descending: false, null_as: None }
    }

    pub(crate) const fn or(self, null_as: &'static str) -> Self {
        Self { null_as: Some(null_as), ..self }
    }

    pub(crate) const fn number(self) -> Self {
        Self { kind: Kind::Number, ..self }
    }

    fn expression(&self) -> String {
        match self.null_as {
            Some(value) => format!("coalesce({}, {value})", self.name),
            None => self.name.to_owned(),
        }
    }

    fn literal(&self, value: &Value) -> Option<String> {
        if value.is_null() {
            return self.null_as.map(str::to_owned);
        }
        match self.kind {
            Kind::Text => value.as_str().map(quoted),
            Kind::Time => {
                let time = value.as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok()?;
                Some(crate::history::literal(time))
            }
            Kind::Number => value.as_i64().map(|number| number.to_string()),
        }
    }
}

/// Which part of a long answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Rows at most.
    pub limit: u32,
    /// The keys of the row before the first; none for the first page.
    pub after: Option<Vec<Value>>,
}

/// A part of a long answer.
#[derive(Debug, Clone)]
pub struct Paged {
    /// Its rows.
    pub rows: Vec<RecordBatch>,
    /// The keys of its last row, if there are rows after it.
    pub next: Option<Vec<Value>>,
}

/// `rows`, a query whose columns the keys name, as the query of one page. It asks for one row more, which says whether
/// there is a next page.
pub(crate) fn query(rows: &str, keys: &[Key], page: &Page) -> Result<String, QueryError> {
    let after = match &page.after {
        None => "true".to_owned(),
        Some(values) => after(keys, values)?,
    };
    let order: Vec<String> = keys
        .iter()
        .map(|key| format!("{}{}", key.expression(), if key.descending { " DESC" } else { "" }))
        .collect();
    let limit = u64::from(page.limit) + 1;
    Ok(format!("SELECT * FROM ({rows}) WHERE {after} ORDER BY {} LIMIT {limit}", order.join(", ")))
}

/// `a < x OR (a = x AND (b > y OR …))`, with a bound on the first key alone, which leaves days out.
fn after(keys: &[Key], values: &[Value]) -> Result<String, QueryError> {
    let foreign = || QueryError::Refused("the cursor is of another question; begin without one".to_owned());
    if keys.len() != values.len() {
        return Err(foreign());
    }
    let mut condition = "false".to_owned();
    for (key, value) in keys.iter().zip(values).rev() {
        let (column, value) = (key.expression(), key.literal(value).ok_or_else(foreign)?);
        let beyond = if key.descending { "<" } else { ">" };
        condition = format!("({column} {beyond} {value} OR ({column} = {value} AND {condition}))");
    }
    let bound = keys.iter().zip(values).next().and_then(|(key, value)| {
        let beyond = if key.descending { "<=" } else { ">=" };
        Some(format!("{} {beyond} {}", key.expression(), key.literal(value)?))
    });
    Ok(format!("{} AND {condition}", bound.unwrap_or_else(|| "true".to_owned())))
}

/// The page of what its query answered.
pub(crate) fn page(rows: Vec<RecordBatch>, keys: &[Key], limit: u32) -> Paged {
    let limit = limit as usize;
    let total: usize = rows.iter().map(RecordBatch::num_rows).sum();
    if total <= limit {
        return Paged { rows, next: None };
    }
    let mut left = limit;
    let mut taken = Vec::new();
    for batch in rows {
        let length = batch.num_rows().min(left);
        taken.push(batch.slice(0, length));
        left -= length;
        if left == 0 {
            break;
        }
    }
    let last = taken.iter().rev().find(|batch| batch.num_rows() > 0);
    let last = last.map(|batch| json_rows(&[batch.slice(batch.num_rows() - 1, 1)]));
    let of = |row: &Map<String, Value>| {
        keys.iter().map(|key| row.get(key.name).cloned().unwrap_or_default()).collect()
    };
    Paged { next: last.as_ref().and_then(|rows| rows.first()).map(of), rows: taken }
}
