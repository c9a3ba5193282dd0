//! Which rows of a file may hold what is looked for, as far as its page index tells.

use parquet::{
    arrow::arrow_reader::RowSelection,
    file::{metadata::ParquetMetaData, page_index::column_index::ColumnIndexMetaData},
};

/// The rows of pages in which text columns may have these values. A column without an index may hold anything.
pub(crate) fn that_may_hold(metadata: &ParquetMetaData, values: &[(&str, &str)]) -> Option<RowSelection> {
    let selections = values.iter().filter_map(|(name, value)| of_column(metadata, name, value.as_bytes()));
    selections.reduce(|left, right| left.intersection(&right))
}

fn of_column(metadata: &ParquetMetaData, name: &str, value: &[u8]) -> Option<RowSelection> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let column = columns.iter().position(|column| column.path().string() == name)?;
    let (indexes, offsets) = (metadata.column_index()?, metadata.offset_index()?);
    let (mut ranges, mut start) = (Vec::new(), 0);
    for (group, row_group) in metadata.row_groups().iter().enumerate() {
        let rows = usize::try_from(row_group.num_rows()).ok()?;
        let pages = offsets.get(group)?.get(column)?.page_locations();
        let ColumnIndexMetaData::BYTE_ARRAY(index) = indexes.get(group)?.get(column)? else { return None };
        for (page, location) in pages.iter().enumerate() {
            let first = usize::try_from(location.first_row_index).ok()?;
            let next = pages.get(page + 1).map(|next| usize::try_from(next.first_row_index));
            let end = next.transpose().ok()?.unwrap_or(rows);
            // Bounds may be cut short by the writer, but only outwards.
            let holds = !index.is_null_page(page)
                && index.min_value(page).is_none_or(|least| least <= value)
                && index.max_value(page).is_none_or(|most| value <= most);
            if holds {
                ranges.push(start + first..start + end);
            }
        }
        start += rows;
    }
    Some(RowSelection::from_consecutive_ranges(ranges.into_iter(), start))
}
