//! How the rows of two sets of files differ, by table and column, with examples.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, VecDeque},
};

use arrow::{
    array::{Array, RecordBatch},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use cauce_model::StatusCategory;
use cauce_tables::{Input, KeyedRows, Rows, Table};
use serde::Serialize;

use crate::MaintainError;

/// Changes in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// Rows in which it changed.
    pub rows: u64,
    /// Some of them.
    pub examples: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The raw object of the row.
    pub raw_id: String,
    /// What tells the row from others of its raw object.
    pub row: String,
    /// What it said; none if it was not there.
    pub old: Option<String>,
    /// What it says now; none if it is not there any more.
    pub new: Option<String>,
}

/// How the rows of a table differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// Rows that are new.
    pub added: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Rows that say something else.
    pub changed: u64,
    /// Payment events among them that nobody had understood, and rules do now.
    pub understood: u64,
    /// Some of the new and of the gone rows.
    pub examples: Vec<Change>,
    /// What changed in the others, by column.
    pub columns: Vec<ColumnChange>,
}

impl Difference {
    /// Examples kept of each kind of change.
    const EXAMPLES: usize = 3;

    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        self.added == 0 && self.removed == 0 && self.changed == 0
    }

    /// Adds what was found elsewhere in the same table.
    pub(crate) fn merge(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.changed += other.changed;
        self.understood += other.understood;
        self.examples.extend(other.examples);
        self.examples.truncate(2 * Self::EXAMPLES);
        for theirs in other.columns {
            let ours = self.column(&theirs.column);
            ours.rows += theirs.rows;
            ours.examples.extend(theirs.examples);
            ours.examples.truncate(Self::EXAMPLES);
        }
    }

    fn column(&mut self, name: &str) -> &mut ColumnChange {
        let place = self.columns.iter().position(|change| change.column == name).unwrap_or_else(|| {
            self.columns.push(ColumnChange { column: name.to_owned(), rows: 0, examples: Vec::new() });
            self.columns.len() - 1
        });
        &mut self.columns[place]
    }
}

/// Which rules made a row is no difference of what it says.
const VERSION: &str = "normalizer_version";

/// What became of what a payment event is about.
const STATUS: &str = "status_category";

/// Compares what `old` says with what `new` says.
pub(crate) async fn compare(table: Table, old: &[Input], new: &[Input]) -> Result<Difference, MaintainError> {
    let mut difference = Difference::default();
    let (mut olds, mut news) = (Rows::open(table, old).await?, Rows::open(table, new).await?);
    let (mut before, mut after) = (olds.next().await?, news.next().await?);
    loop {
        let order = match (&before, &after) {
            (None, None) => return Ok(difference),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.order(after),
        };
        let taken_before = if order.is_le() { before.take() } else { None };
        let taken_after = if order.is_ge() { after.take() } else { None };
        note(table, taken_before.as_ref(), taken_after.as_ref(), &mut difference)
            .map_err(|source| MaintainError::Rows { table, source })?;
        if taken_before.is_some() {
            before = olds.next().await?;
        }
        if taken_after.is_some() {
            after = news.next().await?;
        }
    }
}

/// Notes how two runs of rows differ that agree in the columns of the order.
fn note(
    table: Table,
    before: Option<&KeyedRows>,
    after: Option<&KeyedRows>,
    difference: &mut Difference,
) -> Result<(), ArrowError> {
    if let (Some(before), Some(after)) = (before, after)
        && said(&before.rows)? == said(&after.rows)?
    {
        return Ok(());
    }
    let before = before.map(|run| Named::of(table, &run.rows)).transpose()?;
    let after = after.map(|run| Named::of(table, &run.rows)).transpose()?;
    // Rows of one identity are paired in their order.
    let mut left: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (row, name) in before.iter().flat_map(|named| named.names.iter().enumerate()) {
        left.entry(name).or_default().push_back(row);
    }
    let (mut added, mut pairs) = (Vec::new(), Vec::new());
    for (row, name) in after.iter().flat_map(|named| named.names.iter().enumerate()) {
        match left.get_mut(name.as_str()).and_then(VecDeque::pop_front) {
            Some(twin) => pairs.push((twin, row)),
            None => added.push(row),
        }
    }
    for row in left.values().flatten() {
        difference.removed += 1;
        if let Some(named) = &before {
            keep(&mut difference.examples, || named.change(*row, true));
        }
    }
    for row in added {
        difference.added += 1;
        if let Some(named) = &after {
            keep(&mut difference.examples, || named.change(row, false));
        }
    }
    if let (Some(before), Some(after)) = (&before, &after) {
        for (old, new) in pairs {
            difference.changed += u64::from(before.compare(old, after, new, difference)?);
        }
    }
    Ok(())
}

fn keep(examples: &mut Vec<Change>, change: impl FnOnce() -> Change) {
    if examples.len() < 2 * Difference::EXAMPLES {
        examples.push(change());
    }
}

/// The rows without the version.
fn said(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let columns: Vec<usize> =
        (0..schema.fields().len()).filter(|at| schema.field(*at).name() != VERSION).collect();
    rows.project(&columns)
}

/// Rows with what tells them apart.
struct Named<'a> {
    rows: &'a RecordBatch,
    raw_id: String,
    names: Vec<String>,
}

impl<'a> Named<'a> {
    fn of(table: Table, rows: &'a RecordBatch) -> Result<Self, ArrowError> {
        let options = FormatOptions::default().with_null("null");
        let format = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("column {name} is missing"));
            ArrayFormatter::try_new(rows.column_by_name(name).ok_or_else(missing)?.as_ref(), &options)
        };
        let identity = table.identity().iter().map(|name| format(name)).collect::<Result<Vec<_>, _>>()?;
        let name =
            |row| -> Vec<String> { identity.iter().map(|column| column.value(row).to_string()).collect() };
        let raw_id = format("raw_id")?.value(0).to_string();
        Ok(Self { rows, raw_id, names: (0..rows.num_rows()).map(|row| name(row).join(" ")).collect() })
    }

    /// A row that has no twin.
    fn change(&self, row: usize, gone: bool) -> Change {
        let text = self.names[row].clone();
        let (old, new) = if gone { (Some(text.clone()), None) } else { (None, Some(text.clone())) };
        Change { raw_id: self.raw_id.clone(), row: text, old, new }
    }

    /// Notes the columns in which two rows differ; whether there are any.
    fn compare(
        &self,
        row: usize,
        other: &Self,
        other_row: usize,
        difference: &mut Difference,
    ) -> Result<bool, ArrowError> {
        let options = FormatOptions::default().with_null("null");
        let mut differs = false;
        let theirs: HashMap<&str, _> = other
            .rows
            .schema_ref()
            .fields()
            .iter()
            .zip(other.rows.columns())
            .map(|(field, column)| (field.name().as_str(), column))
            .collect();
        for (field, old) in self.rows.schema_ref().fields().iter().zip(self.rows.columns()) {
            let Some(new) = theirs.get(field.name().as_str()).filter(|_| field.name() != VERSION) else {
                continue;
            };
            if old.slice(row, 1).as_ref() == new.slice(other_row, 1).as_ref() {
                continue;
            }
            differs = true;
            let text = |column: &dyn Array, row| {
                Ok::<_, ArrowError>(ArrayFormatter::try_new(column, &options)?.value(row).to_string())
            };
            let was_unread =
                || Ok::<_, ArrowError>(text(old.as_ref(), row)? == StatusCategory::Unprocessed.as_str());
            difference.understood += u64::from(field.name() == STATUS && was_unread()?);
            let change = difference.column(field.name());
            change.rows += 1;
            if change.examples.len() < Difference::EXAMPLES {
                change.examples.push(Change {
                    raw_id: self.raw_id.clone(),
                    row: self.names[row].clone(),
                    old: Some(text(old.as_ref(), row)?),
                    new: Some(text(new.as_ref(), other_row)?),
                });
            }
        }
        Ok(differs)
    }
}
