//! The Glue tables in `sam-template.yaml` are those of the lake, column by column.
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

const BEGIN: &str = "  # begin of the generated tables\n";
const END: &str = "  # end of the generated tables\n";

/// `fact_offers` as a logical name of CloudFormation.
fn logical(name: &str) -> String {
    name.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect()
}

fn table(name: &str, schema: &Schema, by_day: bool) -> String {
    let mut text = format!(
        "  {}Table:\n    Type: AWS::Glue::Table\n    Properties:\n      CatalogId: !Ref AWS::AccountId\n      \
         DatabaseName: !Ref Catalog\n      TableInput:\n        Name: {name}\n        TableType: EXTERNAL_TABLE\n",
        logical(name)
    );
    text.push_str("        Parameters:\n          classification: parquet\n");
    if by_day {
        write!(
            text,
            "          projection.enabled: \"true\"\n          projection.date.type: date\n          \
             projection.date.format: yyyy-MM-dd\n          projection.date.range: 2022-01-01,NOW\n          \
             storage.location.template: !Sub s3://${{Lake}}/tables/{name}/date=${{!date}}/\n        \
             PartitionKeys: [{{ Name: date, Type: date }}]\n"
        )
        .unwrap();
    }
    write!(
        text,
        "        StorageDescriptor:\n          Location: !Sub s3://${{Lake}}/tables/{name}/\n          \
         InputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat\n          \
         OutputFormat: org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat\n          \
         SerdeInfo: {{ SerializationLibrary: org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe }}\n          \
         Columns:\n"
    )
    .unwrap();
    for field in schema.fields() {
        let kind = hive::kind(field.data_type());
        writeln!(text, "            - {{ Name: {}, Type: \"{kind}\" }}", field.name()).unwrap();
    }
    text.push('\n');
    text
}

#[test]
fn the_template_names_every_table_and_column() {
    let mut tables = String::new();
    for of in Table::ALL {
        tables.push_str(&table(of.name(), &of.schema(), true));
    }
    for of in Derived::ALL {
        tables.push_str(&table(of.name(), &of.schema(), of.by_day()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sam-template.yaml");
    let template = fs::read_to_string(&path).unwrap();
    let (before, rest) = template.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::write(&path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
        return;
    }
    assert!(
        found == tables,
        "the tables in sam-template.yaml are out of date; INSTA_UPDATE=always writes them"
    );
}
