//! The tables of `infra/athena/tables.sql` are those of the lake, column by column.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod hive;

use std::{fmt::Write, fs, path::Path};

use arrow::datatypes::Schema;
use cauce_tables::{Derived, Table};

fn ddl(name: &str, schema: &Schema, by_day: bool) -> String {
    let columns =
        schema.fields().iter().map(|field| format!("  `{}` {}", field.name(), hive::kind(field.data_type())));
    let columns: Vec<String> = columns.collect();
    let mut text =
        format!("CREATE EXTERNAL TABLE IF NOT EXISTS cauce.{name} (\n{}\n)\n", columns.join(",\n"));
    if by_day {
        text.push_str("PARTITIONED BY (`date` date)\n");
    }
    writeln!(text, "STORED AS PARQUET\nLOCATION 's3://BUCKET/PREFIX/tables/{name}/'").unwrap();
    if by_day {
        write!(
            text,
            "TBLPROPERTIES (\n  'projection.enabled' = 'true',\n  'projection.date.type' = 'date',\n  \
             'projection.date.format' = 'yyyy-MM-dd',\n  'projection.date.range' = '2022-01-01,NOW',\n  \
             'storage.location.template' = 's3://BUCKET/PREFIX/tables/{name}/date=${{date}}/'\n)"
        )
        .unwrap();
    }
    format!("{};\n", text.trim_end())
}

#[test]
fn the_file_names_every_table_and_column() {
    let mut expected = "\
-- The lake's tables for Athena: sealed days, and what is derived. Days are projected, so no crawler is needed and no
-- partition has to be added. Replace s3://BUCKET/PREFIX by the lake's place, and run each statement by itself.
-- docs/reading-the-lake.md says what is where; a test keeps this file and the tables the same.

CREATE DATABASE IF NOT EXISTS cauce;
"
    .to_owned();
    for table in Table::ALL {
        write!(expected, "\n{}", ddl(table.name(), &table.schema(), true)).unwrap();
    }
    for table in Derived::ALL {
        write!(expected, "\n{}", ddl(table.name(), &table.schema(), table.by_day())).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/athena/tables.sql");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "infra/athena/tables.sql is out of date; INSTA_UPDATE=always writes it");
}
