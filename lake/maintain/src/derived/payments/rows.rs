//! Rows of the table: made, and put in the place of those that were there.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray, new_null_array,
    },
    compute::{SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, not, take_record_batch},
    datatypes::Date32Type,
    error::ArrowError,
};
use cauce_model::{Flag, PaymentState};
use cauce_tables::{
    Derived, PlannedFile, Planner,
    typed::{Columns, value},
};
use chrono::{DateTime, NaiveDate, TimeDelta};

use super::{
    super::{batch, broken},
    events::{DESCRIBED, Settled},
    keys::{KEY, Key, Name, OTHER_IDS, Slice, of_all_ids},
};
use crate::MaintainError;

/// No rows.
pub(super) fn none() -> RecordBatch {
    RecordBatch::new_empty(Derived::Payments.schema())
}

/// The payments of a day's object by all their ids, and the last day with an event of each.
pub(super) async fn spans(
    planner: &Planner,
    file: &PlannedFile,
) -> Result<Vec<(Vec<Key>, NaiveDate)>, MaintainError> {
    let mut spans = Vec::new();
    let columns = [KEY[0], KEY[1], KEY[2], "last_day", OTHER_IDS];
    for batch in planner.read(file, &columns).await? {
        let of_batch = || -> Result<Vec<(Vec<Key>, NaiveDate)>, ArrowError> {
            let days = Columns(&batch).primitive::<Date32Type>("last_day")?;
            let day = |row| value(days, row).map_or(file.date, day_of);
            Ok(of_all_ids(&batch)?.into_iter().enumerate().map(|(row, keys)| (keys, day(row))).collect())
        };
        spans.extend(of_batch().map_err(broken(file))?);
    }
    Ok(spans)
}

/// The rows of a day's object with these payments as they are now; none if they are as they were.
pub(super) async fn replaced(
    planner: &Planner,
    before: Option<&PlannedFile>,
    slice: &Slice,
    new: RecordBatch,
) -> Result<Option<RecordBatch>, MaintainError> {
    let Some(file) = before else { return Ok((new.num_rows() > 0).then_some(new)) };
    let schema = Derived::Payments.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let read = planner.read(file, &columns).await?;
    // One that a version before wrote is written again for its figures, once.
    let is_counted = planner.is_counted(file).await?;
    let put_together = || -> Result<Option<RecordBatch>, ArrowError> {
        // Under the table's own schema, whatever else a file says of its columns, or lacks.
        let read = read.into_iter().map(|batch| {
            let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
                Some(column) => Arc::clone(column),
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
            RecordBatch::try_new(Arc::clone(&schema), columns.collect())
        });
        let all = concat_batches(&schema, &read.collect::<Result<Vec<_>, _>>()?)?;
        let is_ours = |keys: Vec<Key>| Some(keys.into_iter().any(|key| slice.has(key)));
        let are_ours: BooleanArray = of_all_ids(&all)?.into_iter().map(is_ours).collect();
        if is_counted && filter_record_batch(&all, &are_ours)? == new {
            return Ok(None);
        }
        let kept = filter_record_batch(&all, &not(&are_ours)?)?;
        sorted(&concat_batches(&schema, &[kept, new])?).map(Some)
    };
    put_together().map_err(broken(file))
}

/// In the table's order: what has no id of its provider's comes after what has.
fn sorted(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = Some(arrow::compute::SortOptions { descending: false, nulls_first: false });
    let columns = KEY.iter().map(|name| {
        let missing = || ArrowError::SchemaError(format!("no column {name}"));
        let values = Arc::clone(rows.column_by_name(name).ok_or_else(missing)?);
        Ok(SortColumn { values, options })
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    take_record_batch(rows, &lexsort_to_indices(&columns, None)?)
}

fn day_of(days: i32) -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(days.into())
}

fn days_of(day: NaiveDate) -> i32 {
    i32::try_from((day - NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}

/// Rows of payments, in their order.
pub(super) fn of(payments: &[Settled]) -> Result<RecordBatch, MaintainError> {
    let text = |read: &dyn Fn(&Settled) -> Option<String>| -> ArrayRef {
        Arc::new(payments.iter().map(read).collect::<StringArray>())
    };
    let amount = |read: fn(&PaymentState) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(payments.iter().map(|row| read(&row.state))))
    };
    let time = |read: fn(&PaymentState) -> DateTime<chrono::Utc>| -> ArrayRef {
        let times = payments.iter().map(|row| read(&row.state).timestamp_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let flags = |state: &PaymentState| {
        let names: Vec<&str> = state.flags.iter().copied().map(Flag::as_str).collect();
        (!names.is_empty()).then(|| names.join(","))
    };
    let id = |name: &Name| match name {
        Name::Id(id) => Some(id.clone()),
        Name::Alone(_) => None,
    };
    let identity = |name: &Name| match name {
        Name::Id(_) => None,
        Name::Alone(identity) => Some(identity.clone()),
    };
    let mut columns =
        vec![text(&|row| Some(row.payment.provider.clone())), text(&|row| id(&row.payment.name))];
    for index in 0..DESCRIBED.len() {
        columns.push(text(&|row| row.described[index].clone()));
    }
    let events = payments.iter().map(|row| i32::try_from(row.state.events).unwrap_or(i32::MAX));
    columns.extend([
        text(&|row| Some(row.state.status.to_string())),
        text(&|row| row.state.reason.map(|reason| reason.to_string())),
        text(&|row| row.state.currency.clone()),
        amount(|state| state.authorized),
        amount(|state| state.captured),
        amount(|state| state.refunded),
        amount(|state| state.disputed),
        time(|state| state.first_at),
        time(|state| state.last_at),
        Arc::new(Int32Array::from_iter_values(events)) as ArrayRef,
        text(&|row| flags(&row.state)),
        text(&|row| identity(&row.payment.name)),
        Arc::new(Date32Array::from_iter_values(payments.iter().map(|row| days_of(row.last_day)))),
        text(&|row| (!row.other_ids.is_empty()).then(|| row.other_ids.join(","))),
    ]);
    batch(Derived::Payments, columns)
}
