//! Columns of a batch by name and type: what was read, or an error that names the column.

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray},
    buffer::NullBuffer,
    datatypes::{ArrowPrimitiveType, Decimal128Type, Int32Type, TimestampMicrosecondType},
    error::ArrowError,
};

/// Columns of one batch.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'b>(pub &'b RecordBatch);

impl<'b> Columns<'b> {
    fn of(&self, name: &str) -> Result<&'b ArrayRef, ArrowError> {
        self.0.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
    }

    fn other_type(name: &str) -> ArrowError {
        ArrowError::SchemaError(format!("column {name} is of another type"))
    }

    /// Numbers and times.
    pub fn primitive<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'b PrimitiveArray<T>, ArrowError> {
        self.of(name)?.as_primitive_opt::<T>().ok_or_else(|| Self::other_type(name))
    }

    /// Text.
    pub fn text(&self, name: &str) -> Result<&'b StringArray, ArrowError> {
        self.of(name)?.as_string_opt().ok_or_else(|| Self::other_type(name))
    }

    /// Decimals, in units of their last digit.
    pub fn decimals(&self, name: &str) -> Result<&'b PrimitiveArray<Decimal128Type>, ArrowError> {
        self.primitive(name)
    }

    /// Whole numbers.
    pub fn whole(&self, name: &str) -> Result<&'b PrimitiveArray<Int32Type>, ArrowError> {
        self.primitive(name)
    }

    /// Times in microseconds since 1970.
    pub fn times(&self, name: &str) -> Result<&'b PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
        self.primitive(name)
    }

    /// Texts of a column that older files may lack.
    pub fn text_since_added(&self, name: &str) -> Result<Option<&'b StringArray>, ArrowError> {
        self.0.column_by_name(name).map(|_| self.text(name)).transpose()
    }

    /// Times of a column that older files may lack.
    pub fn times_since_added(
        &self,
        name: &str,
    ) -> Result<Option<&'b PrimitiveArray<TimestampMicrosecondType>>, ArrowError> {
        self.0.column_by_name(name).map(|_| self.times(name)).transpose()
    }

    /// Venue, asset, currency and side.
    pub fn market(&self) -> Result<[&'b StringArray; 4], ArrowError> {
        Ok([self.text("venue")?, self.text("crypto")?, self.text("fiat")?, self.text("trade_type")?])
    }

    /// Texts that were read as a dictionary.
    pub fn repeated(&self, name: &str) -> Result<Repeated<'b>, ArrowError> {
        Repeated::of(self.of(name)?).ok_or_else(|| Self::other_type(name))
    }

    /// Lists of texts that were read as a dictionary.
    pub fn lists(&self, name: &str) -> Result<Lists<'b>, ArrowError> {
        let lists = self.of(name)?.as_list_opt::<i32>().ok_or_else(|| Self::other_type(name))?;
        let texts = Repeated::of(lists.values()).ok_or_else(|| Self::other_type(name))?;
        Ok(Lists { lists, texts })
    }

    /// Yes or no.
    pub fn flags(&self, name: &str) -> Result<&'b BooleanArray, ArrowError> {
        self.of(name)?.as_boolean_opt().ok_or_else(|| Self::other_type(name))
    }
}

/// A column of texts that come again and again.
#[derive(Debug, Clone, Copy)]
pub struct Repeated<'b> {
    /// The places of the rows' texts among `texts`.
    pub places: &'b [i32],
    /// The texts that there are. Batches of one row group mostly share them.
    pub texts: &'b StringArray,
    nulls: Option<&'b NullBuffer>,
}

impl<'b> Repeated<'b> {
    fn of(column: &'b ArrayRef) -> Option<Self> {
        let column = column.as_dictionary_opt::<Int32Type>()?;
        let keys = column.keys();
        Some(Self { places: keys.values(), texts: column.values().as_string_opt()?, nulls: keys.nulls() })
    }

    /// The place of a row's text, or none.
    #[inline]
    pub fn place(&self, row: usize) -> Option<i32> {
        let is_there = self.nulls.is_none_or(|nulls| nulls.is_valid(row));
        is_there.then(|| self.places.get(row).copied()).flatten()
    }

    /// What stands in `by_place` for each row's text, or `none` where it has none.
    pub fn each<T: Copy>(&self, by_place: &[T], none: T) -> Vec<T> {
        let of = |place: &i32| usize::try_from(*place).ok().and_then(|place| by_place.get(place).copied());
        match self.nulls {
            None => self.places.iter().map(|place| of(place).unwrap_or(none)).collect(),
            Some(nulls) => {
                let rows = self.places.iter().zip(nulls.iter());
                rows.map(|(place, is_there)| of(place).filter(|_| is_there).unwrap_or(none)).collect()
            }
        }
    }

    /// The text of a row; empty where there is none.
    pub fn row(&self, row: usize) -> &'b str {
        self.place(row).and_then(|place| self.text(place)).unwrap_or_default()
    }

    /// The place of a text, if it is there.
    pub fn find(&self, text: &str) -> Option<i32> {
        i32::try_from(self.texts.iter().position(|known| known == Some(text))?).ok()
    }

    /// The text at a place.
    pub fn text(&self, place: i32) -> Option<&'b str> {
        text(self.texts, usize::try_from(place).ok()?)
    }
}

/// A column of lists of such texts.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'b> {
    lists: &'b ListArray,
    /// The texts of all rows.
    pub texts: Repeated<'b>,
}

impl<'b> Lists<'b> {
    /// The places of a row's texts; none where there is no list.
    pub fn places(&self, row: usize) -> &'b [i32] {
        let offsets = self.lists.value_offsets();
        let range = if self.lists.is_valid(row) { offsets[row]..offsets[row + 1] } else { 0..0 };
        let place = |offset: i32| usize::try_from(offset).unwrap_or(usize::MAX);
        self.texts.places.get(place(range.start)..place(range.end)).unwrap_or_default()
    }
}

/// A value, or none.
#[inline]
pub fn value<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

/// A text, or none.
pub fn text(column: &StringArray, row: usize) -> Option<&str> {
    (row < column.len() && column.is_valid(row)).then(|| column.value(row))
}
