//! A file of a broker, decoded, and taken apart once for all layouts that look at it.

use std::{borrow::Cow, cell::OnceCell};

use csv::{ReaderBuilder, StringRecord};

use super::html;
use crate::document::{self, Bytes, Node};

/// What stands between columns.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
/// Lines before a header that a file may begin with.
const PREAMBLE: usize = 40;

/// A record and the line that it begins on.
#[derive(Debug, Clone)]
pub struct Record {
    /// From 1.
    pub line: u32,
    /// Its columns.
    pub cells: StringRecord,
}

impl Record {
    /// Whether all columns are blank.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    /// The record as one text.
    pub fn text(&self) -> String {
        self.cells.iter().collect::<Vec<_>>().join(",")
    }
}

/// A file.
#[derive(Debug)]
pub struct File<'a> {
    text: Cow<'a, str>,
    tables: [OnceCell<Vec<Record>>; DELIMITERS.len()],
    json: OnceCell<Option<Node>>,
    xml: OnceCell<Option<Node>>,
}

impl<'a> File<'a> {
    pub(super) fn of(bytes: Bytes<'a>) -> Self {
        Self {
            text: document::decoded(bytes),
            tables: Default::default(),
            json: OnceCell::new(),
            xml: OnceCell::new(),
        }
    }

    /// Its text, without marks of its encoding.
    pub fn text(&self) -> &str {
        self.text.trim_start_matches(['\u{feff}', '\0'])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text().trim().is_empty()
    }

    fn begins_with(&self, signs: &[char]) -> bool {
        self.text().trim_start().starts_with(signs)
    }

    /// Whether it is a table, and no tree.
    pub fn is_table(&self) -> bool {
        !self.begins_with(&['<']) && self.json().is_none()
    }

    /// It as JSON, if it is that. Numbers keep their text.
    pub fn json(&self) -> Option<&Node> {
        let read = || self.begins_with(&['{', '[']).then(|| document::json_tree(self.text().trim()).ok())?;
        self.json.get_or_init(read).as_ref()
    }

    /// It as XML, if it is that.
    pub fn xml(&self) -> Option<&Node> {
        let read = || self.begins_with(&['<']).then(|| document::xml_tree(self.text().trim()).ok())?;
        self.xml.get_or_init(read).as_ref()
    }

    /// Its records, by what stands between columns.
    pub fn records(&self, delimiter: u8) -> &[Record] {
        let Some(at) = DELIMITERS.iter().position(|known| *known == delimiter) else { return &[] };
        self.tables[at].get_or_init(|| {
            let mut reader = ReaderBuilder::new()
                .delimiter(delimiter)
                .flexible(true)
                .has_headers(false)
                .from_reader(self.text().as_bytes());
            let read = |record: Result<StringRecord, csv::Error>| {
                let cells = record.ok()?;
                let line =
                    cells.position().map_or(0, |position| u32::try_from(position.line()).unwrap_or(u32::MAX));
                Some(Record { line, cells })
            };
            reader.records().filter_map(read).collect()
        })
    }

    /// The first record with all of these columns, among the first of the file: what is between columns, and its place.
    pub fn find_header(&self, columns: &[&str]) -> Option<(u8, usize)> {
        self.find_record(|record| {
            record.cells.len() >= columns.len()
                && columns.iter().all(|column| record.cells.iter().any(|cell| name(cell) == *column))
        })
    }

    /// The first record that is a header, among the first of the file: what is between columns, and its place.
    pub fn find_record(&self, is_header: impl Fn(&Record) -> bool) -> Option<(u8, usize)> {
        if !self.is_table() {
            return None;
        }
        DELIMITERS.into_iter().find_map(|delimiter| {
            let place = self.records(delimiter).iter().take(PREAMBLE).position(&is_header)?;
            Some((delimiter, place))
        })
    }

    /// The first record of all that is so: what is between columns, and its place.
    pub fn find_row(&self, is_row: impl Fn(&Record) -> bool) -> Option<(u8, usize)> {
        if !self.is_table() {
            return None;
        }
        DELIMITERS
            .into_iter()
            .find_map(|delimiter| Some((delimiter, self.records(delimiter).iter().position(&is_row)?)))
    }

    /// What most looks like a header: the first record with several columns, or the names of a tree's members.
    pub fn first_header(&self) -> Vec<String> {
        if let Some(json) = self.json() {
            let first = json.items().first().unwrap_or(json);
            return first.members().iter().map(|(name, _)| name.clone()).collect();
        }
        if !self.is_table() {
            // Of a page its widest row that has no figures.
            let rows = html::rows(self.text());
            let texts = rows.iter().map(|(_, cells)| cells.iter().map(|cell| cell.text.as_str()).collect());
            let widest = texts
                .filter(|cells: &Vec<&str>| !cells.iter().copied().any(is_figure))
                .max_by_key(|cells| cells.len());
            if let Some(cells) = widest {
                return cells.into_iter().map(str::to_owned).collect();
            }
            let tag = |text: &str| text.split(['>', ' ', '\n', '\r']).next().unwrap_or_default().to_owned();
            return self.text().split('<').filter(|text| !text.is_empty()).take(3).map(tag).collect();
        }
        let widest = |delimiter: u8| {
            let records = self.records(delimiter).iter().take(PREAMBLE);
            // Columns may have no name, and have no number for one.
            let columns = |record: &&Record| match record.cells.iter().any(is_figure) {
                true => 0,
                false => record.cells.len(),
            };
            records.max_by_key(|record| (columns(record), std::cmp::Reverse(record.line)))
        };
        let candidates = DELIMITERS.into_iter().filter_map(widest);
        let header = candidates.max_by_key(|record| record.cells.len());
        header
            .map(|record| record.cells.iter().map(|cell| name(cell).to_owned()).collect())
            .unwrap_or_default()
    }
}

/// Whether a cell is a number or a day, and no column's name.
fn is_figure(cell: &str) -> bool {
    let cell = name(cell);
    cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | ':' | '/' | ' '))
        && cell.chars().any(|c| c.is_ascii_digit())
}

/// A column's name without the spaces around it.
pub(super) fn name(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '"')
}
