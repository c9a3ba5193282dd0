//! Layouts that are tables: a header, and a row for each thing that happened.

use std::{collections::HashMap, fmt};

use cauce_model::{AccountTerms, SkippedAs};

use super::{
    About, Layout, Row, Said,
    file::{self, File, Record},
    number::Numbers,
    record::{Result, Values},
};

/// How rows follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The oldest first, or in no order.
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// A layout that reads its rows one by one.
pub(super) struct Table {
    pub(super) about: About,
    pub(super) numbers: Numbers,
    pub(super) order: Order,
    /// Whether a record is no row: what stands under a table.
    pub(super) is_footer: fn(&Record) -> bool,
    /// What a row says.
    pub(super) read: fn(&Values<'_>) -> Result<Said>,
}

/// Nothing stands under the table.
pub(super) fn no_footer(_: &Record) -> bool {
    false
}

/// That a row is no trade.
pub(super) fn skipped(as_what: SkippedAs, kind: impl Into<String>) -> Result<Said> {
    Ok(Said::Skipped(as_what, kind.into()))
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.about.name).finish_non_exhaustive()
    }
}

impl Layout for Table {
    fn about(&self) -> &About {
        &self.about
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.find_header(self.about.header).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header)) = file.find_header(self.about.header) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        let is_row = |record: &&Record| !record.is_blank() && !(self.is_footer)(record);
        let read = |record: &Record| {
            let said = (self.read)(&Values::of_row(&places, &record.cells, self.numbers, terms));
            Row { place: record.line, text: record.text(), said: said.unwrap_or_else(Said::Broken) }
        };
        in_order(records.iter().filter(is_row).map(read).collect(), self.order)
    }
}

/// Columns by name. Of two with one name the first; a layout that needs the other reads it by its place.
pub(super) fn places(header: &Record) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (place, cell) in header.cells.iter().enumerate() {
        places.entry(file::name(cell).to_owned()).or_insert(place);
    }
    places
}

/// Numbers fills from the oldest.
pub(super) fn in_order(mut rows: Vec<Row>, order: Order) -> Vec<Row> {
    let mut sequence = 0;
    let mut number = |row: &mut Row| {
        if let Said::Fills(fills) = &mut row.said {
            for fill in fills {
                fill.sequence = sequence;
                sequence += 1;
            }
        }
    };
    match order {
        Order::OldestFirst => rows.iter_mut().for_each(&mut number),
        Order::NewestFirst => rows.iter_mut().rev().for_each(&mut number),
    }
    rows
}
