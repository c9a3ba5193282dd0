use arrow::datatypes::DataType;

/// A column's type as Hive, Athena and Glue call it.
pub(crate) fn kind(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "string".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(digits, scale) => format!("decimal({digits},{scale})"),
        DataType::List(item) => format!("array<{}>", self::kind(item.data_type())),
        other => {
            panic!("{other} has no type in Athena; tables use signed integers, decimals, text and times only")
        }
    }
}
