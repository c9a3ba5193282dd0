//! Workbooks of spreadsheet programs as tables: Office Open XML (`.xlsx`), in which MetaTrader 5 and others save their reports,
//! and the XML of Excel 2003. Each sheet is read as if it had been saved as CSV.
//!
//! Sources: ECMA-376 part 1, 18.3 (sheets) and 18.4 (shared strings); the reference of SpreadsheetML 2003.

use std::{
    borrow::Cow,
    io::{Cursor, Read},
};

use rust_decimal::{Decimal, RoundingStrategy};
use zip::ZipArchive;

use crate::document::{self, Bytes, Node};

/// How a zip begins.
const MARK: &[u8] = b"PK\x03\x04";
/// Bytes that one part of a workbook may become.
const MOST: u64 = 64 << 20;
/// Columns that a sheet may have: more than any report.
const WIDEST: usize = 512;
/// Cells, and bytes in them, that all sheets may come to: few bytes of a workbook can name many cells, and one text again and again.
const MOST_CELLS: usize = 2_000_000;
const MOST_TEXT: usize = 64 << 20;
/// Sheets that are looked at.
const MOST_SHEETS: usize = 32;
/// Digits that a spreadsheet shows of a number: what it keeps is binary, and has others behind them.
const DIGITS: u32 = 15;

/// The sheets of a workbook as CSV, in their order; none if it is no workbook. An error says why it can't be read.
pub(super) fn sheets(bytes: Bytes<'_>) -> Option<Result<Vec<String>, String>> {
    if bytes.body.starts_with(MARK) {
        return Some(open_xml(bytes.body));
    }
    let head = bytes.body.get(..bytes.body.len().min(2_000))?;
    let is_of_2003 =
        String::from_utf8_lossy(head).replace('\0', "").contains("schemas-microsoft-com:office:spreadsheet");
    is_of_2003.then(|| excel_2003(&document::decoded(bytes)))
}

fn open_xml(body: &[u8]) -> Result<Vec<String>, String> {
    let mut zip = ZipArchive::new(Cursor::new(body)).map_err(|error| error.to_string())?;
    let names: Vec<String> = zip.file_names().flatten().map(Cow::into_owned).collect();
    let mut sheets: Vec<&String> =
        names.iter().filter(|name| name.starts_with("xl/worksheets/") && name.ends_with(".xml")).collect();
    if sheets.is_empty() {
        return Err("it is a zip without sheets".to_owned());
    }
    // `sheet2.xml` before `sheet10.xml`: programs number them in their order.
    sheets.sort_by_key(|name| (name.len(), *name));
    let shared = match names.iter().find(|name| name.eq_ignore_ascii_case("xl/sharedStrings.xml")) {
        Some(name) => strings(&part(&mut zip, name)?),
        None => Vec::new(),
    };
    let mut budget = Budget::default();
    sheets
        .into_iter()
        .take(MOST_SHEETS)
        .map(|name| sheet(&part(&mut zip, name)?, &shared, &mut budget))
        .collect()
}

/// A part of a workbook. MetaTrader writes them in UTF-16.
fn part(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Node, String> {
    let file = zip.by_name(name).map_err(|error| error.to_string())?;
    let mut body = Vec::new();
    file.take(MOST + 1).read_to_end(&mut body).map_err(|error| error.to_string())?;
    if body.len() as u64 > MOST {
        return Err(format!("{name} is larger than {} MB", MOST >> 20));
    }
    let text = document::decoded(Bytes { content_type: None, body: &body });
    let text = text.trim_start_matches(['\u{feff}', '\0']).trim();
    document::xml_tree(text).map_err(|error| format!("{name}: {error}"))
}

fn strings(part: &Node) -> Vec<String> {
    part.get("sst").get("si").items().iter().map(rich_text).collect()
}

/// Text, perhaps in runs of different fonts.
fn rich_text(node: &Node) -> String {
    let text = |node: &Node| match node.get("t") {
        Node::Map(_) => node.text_at("t.#text"),
        plain => plain.text().map(Cow::into_owned),
    };
    let runs = node.get("r").items().iter().filter_map(text);
    text(node).into_iter().chain(runs).collect()
}

/// What has been put out.
#[derive(Debug, Default)]
struct Budget {
    cells: usize,
    text: usize,
}

impl Budget {
    fn spend(&mut self, cells: usize, text: usize) -> Result<(), String> {
        (self.cells, self.text) = (self.cells.saturating_add(cells), self.text.saturating_add(text));
        match self.cells > MOST_CELLS || self.text > MOST_TEXT {
            true => Err(format!("it has more than {MOST_CELLS} cells or {} MB of text", MOST_TEXT >> 20)),
            false => Ok(()),
        }
    }
}

fn sheet(part: &Node, shared: &[String], budget: &mut Budget) -> Result<String, String> {
    let rows = part.get("worksheet").get("sheetData").get("row").items();
    let mut lines = Lines::default();
    for row in rows {
        let mut cells: Vec<String> = Vec::new();
        for cell in row.get("c").items() {
            let place = cell.text_at("@r").and_then(|name| column(&name)).unwrap_or(cells.len());
            put(&mut cells, place, value(cell, shared), budget)?;
        }
        lines.at(row.text_at("@r"), cells, budget)?;
    }
    Ok(lines.text())
}

/// The place of a cell's column by its name: 0 for `A1`, 27 for `AB7`.
fn column(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.fold(0_usize, |number, letter| {
        number.saturating_mul(26).saturating_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    number.checked_sub(1)
}

fn put(cells: &mut Vec<String>, place: usize, value: String, budget: &mut Budget) -> Result<(), String> {
    if place < WIDEST {
        budget.spend((place + 1).saturating_sub(cells.len()), value.len())?;
        if cells.len() <= place {
            cells.resize(place + 1, String::new());
        }
        cells[place] = value;
    }
    Ok(())
}

fn value(cell: &Node, shared: &[String]) -> String {
    let text = cell.text_at("v").unwrap_or_default();
    match cell.text_at("@t").as_deref() {
        Some("s") => text.parse::<usize>().ok().and_then(|at| shared.get(at).cloned()).unwrap_or_default(),
        Some("inlineStr") => rich_text(cell.get("is")),
        Some("str" | "b" | "e" | "d") => text,
        _ => figure(text),
    }
}

/// A number as its spreadsheet shows it.
fn figure(text: String) -> String {
    let read = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text));
    let rounded = read
        .ok()
        .and_then(|number| number.round_sf_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero));
    rounded.map_or(text, |number| number.normalize().to_string())
}

fn excel_2003(text: &str) -> Result<Vec<String>, String> {
    let tree = document::xml_tree(text.trim_start_matches(['\u{feff}', '\0']).trim())
        .map_err(|error| error.to_string())?;
    let mut budget = Budget::default();
    let mut sheet = |sheet: &Node| -> Result<String, String> {
        let mut lines = Lines::default();
        for row in sheet.at("Table.Row").items() {
            let mut cells = Vec::new();
            for cell in row.get("Cell").items() {
                let index = cell.text_at("@Index").and_then(|index| index.parse::<usize>().ok());
                let place = index.and_then(|index| index.checked_sub(1)).unwrap_or(cells.len());
                let data = cell.get("Data");
                let text =
                    data.text_at("#text").or_else(|| data.text().map(Cow::into_owned)).unwrap_or_default();
                let text = if data.is("@Type", "Number") { figure(text) } else { text };
                put(&mut cells, place, text, &mut budget)?;
            }
            lines.at(row.text_at("@Index"), cells, &mut budget)?;
        }
        Ok(lines.text())
    };
    tree.at("Workbook").get("Worksheet").items().iter().take(MOST_SHEETS).map(&mut sheet).collect()
}

/// Rows at their numbers, so that a line is the row that people see.
#[derive(Default)]
struct Lines(Vec<Vec<String>>);

impl Lines {
    fn at(&mut self, number: Option<String>, cells: Vec<String>, budget: &mut Budget) -> Result<(), String> {
        // Rows without anything may be left out, in reason.
        let number = number.and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
        if (self.0.len() + 1..self.0.len() + 10_000).contains(&number) {
            budget.spend(number - 1 - self.0.len(), 0)?;
            self.0.resize(number - 1, Vec::new());
        }
        budget.spend(1, 0)?;
        self.0.push(cells);
        Ok(())
    }

    fn text(self) -> String {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for mut cells in self.0 {
            // A row of nothing is no line for who reads it, and would shift those after it.
            if cells.is_empty() {
                cells = vec![String::new(), String::new()];
            }
            // Writing to memory does not fail.
            let _ = writer.write_record(&cells);
        }
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn book(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, body) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(body).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(body: &[u8]) -> Result<Vec<String>, String> {
        sheets(Bytes { content_type: None, body }).unwrap()
    }

    const SHEET: &str = r#"<worksheet><sheetData>
        <row r="1"><c r="A1" t="s"><v>0</v></c><c r="D1" t="inlineStr"><is><r><t>a</t></r><r><t>, b</t></r></is></c></row>
        <row r="3"><c r="A3"><v>4187.2700000000004</v></c><c r="B3"><v>1E-4</v></c><c r="AB3" t="str"><v>far</v></c></row>
        </sheetData></worksheet>"#;

    #[test]
    fn a_sheet_is_the_table_that_people_see() {
        let strings = b"<sst><si><t>Time</t></si></sst>".to_vec();
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(SHEET.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for sheet in [SHEET.as_bytes().to_vec(), utf16] {
            let body =
                book(&[("xl/worksheets/sheet1.xml", sheet), ("xl/sharedStrings.xml", strings.clone())]);
            let csv = read(&body).unwrap().remove(0);
            let lines: Vec<&str> = csv.lines().collect();
            assert_eq!(lines[0], "Time,,,\"a, b\"");
            assert!(lines[2].starts_with("4187.27,0.0001,") && lines[2].ends_with(",far"), "{csv}");
        }
        assert!(read(&book(&[("word/document.xml", Vec::new())])).is_err());
        // Few bytes, and many rows; and one long text named again and again.
        let rows: String = (1..400).map(|number| format!("<row r=\"{}\"/>", number * 9_999)).collect();
        let far = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>").into_bytes();
        let cells = "<c t=\"s\"><v>0</v></c>".repeat(100);
        let long = format!("<worksheet><sheetData><row>{cells}</row></sheetData></worksheet>").into_bytes();
        let text = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(1 << 20)).into_bytes();
        for sheet in [far, long] {
            let body = book(&[("xl/worksheets/sheet1.xml", sheet), ("xl/sharedStrings.xml", text.clone())]);
            assert!(read(&body).unwrap_err().contains("it has more than"));
        }
        assert!(read(b"PK\x03\x04 broken").is_err());
        assert_eq!(sheets(Bytes { content_type: None, body: b"a,b" }), None);
    }

    #[test]
    fn the_xml_of_excel_2003_is_one_too() {
        let xml = r#"<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
            <Worksheet ss:Name="x"><Table><Row><Cell><Data ss:Type="String">Time</Data></Cell><Cell ss:Index="3"><Data ss:Type="Number">0.10000000000000001</Data></Cell></Row></Table></Worksheet></Workbook>"#;
        assert_eq!(read(xml.as_bytes()).unwrap(), ["Time,,0.1\n"]);
    }
}
