//! Texts that come again and again, as numbers: what is counted by them is counted in lists.

use std::collections::HashMap;

use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use crate::typed::Columns;

/// The different texts of a column, and that there is none, numbered as they come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Names {
    texts: Vec<Option<String>>,
    /// Only while rows are counted.
    #[serde(skip)]
    numbers: HashMap<Option<String>, usize>,
}

impl Names {
    /// The texts in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.texts.iter().map(Option::as_deref)
    }

    /// What was counted by number, by text.
    pub fn zip<'s, T>(&'s self, counted: &'s [T]) -> impl Iterator<Item = (&'s Option<String>, &'s T)> {
        self.texts.iter().zip(counted)
    }

    fn number(&mut self, text: Option<&str>) -> usize {
        let text = text.map(str::to_owned);
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The numbers of a column's rows.
    pub fn of(&mut self, columns: Columns<'_>, name: &str) -> Result<Vec<usize>, ArrowError> {
        let rows = columns.repeated(name)?;
        let numbers: Vec<usize> = rows.texts.iter().map(|text| self.number(text)).collect();
        Ok(rows.each(&numbers, self.number(None)))
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.texts.iter().map(|text| 80 + 2 * text.as_ref().map_or(0, String::len)).sum()
    }
}

/// The counter of a number, of a list that grows as numbers come.
pub(super) fn at<T: Default>(counters: &mut Vec<T>, number: usize) -> &mut T {
    if counters.len() <= number {
        counters.resize_with(number + 1, T::default);
    }
    &mut counters[number]
}

/// The place of a day among those that something is counted of. A file has few, and rows of one day mostly follow each other.
pub(super) fn of_day<T: Default>(days: &mut Vec<(i64, T)>, day: i64) -> usize {
    days.iter().rposition(|(known, _)| *known == day).unwrap_or_else(|| {
        days.push((day, T::default()));
        days.len() - 1
    })
}
