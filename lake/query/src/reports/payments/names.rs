//! Texts that come again and again, as numbers: what is counted by them is counted in lists.

use std::collections::HashMap;

use arrow::error::ArrowError;
use cauce_tables::typed::{Columns, Repeated};

/// The different texts of a column, and that there is none, numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Vec<Option<String>>,
    numbers: HashMap<Option<String>, usize>,
}

impl Names {
    /// The texts in the order of their numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.texts.iter().map(Option::as_deref)
    }

    /// What was counted by number, by text.
    pub(super) fn zip<'s, T>(
        &'s self,
        counted: &'s [T],
    ) -> impl Iterator<Item = (&'s Option<String>, &'s T)> {
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

    /// The numbers of a column's rows.
    pub(super) fn of<'b>(&mut self, columns: Columns<'b>, name: &str) -> Result<Numbers<'b>, ArrowError> {
        let rows = columns.repeated(name)?;
        let numbers = rows.texts.iter().map(|text| self.number(text)).collect();
        Ok(Numbers { rows, numbers, none: self.number(None) })
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.texts.iter().map(|text| 80 + 2 * text.as_ref().map_or(0, String::len)).sum()
    }
}

/// The numbers of the rows of one batch.
pub(super) struct Numbers<'b> {
    rows: Repeated<'b>,
    numbers: Vec<usize>,
    none: usize,
}

impl Numbers<'_> {
    pub(super) fn row(&self, row: usize) -> usize {
        let place = self.rows.place(row).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.numbers.get(place).copied()).unwrap_or(self.none)
    }
}

/// The counter of a number, of a list that grows as numbers come.
pub(super) fn at<T: Default>(counters: &mut Vec<T>, number: usize) -> &mut T {
    if counters.len() <= number {
        counters.resize_with(number + 1, T::default);
    }
    &mut counters[number]
}

/// What is counted of a day. A file has few, and rows of one day mostly follow each other.
pub(super) fn of_day<T: Default>(days: &mut Vec<(i64, T)>, day: i64) -> &mut T {
    let place = days.iter().rposition(|(known, _)| *known == day).unwrap_or_else(|| {
        days.push((day, T::default()));
        days.len() - 1
    });
    &mut days[place].1
}
