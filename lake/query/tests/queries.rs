//! Queries and their answers as plain text: `tests/slt/*.slt`, over the small lake of `common`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use cauce_query::{Lake, QueryError, json_rows};
use serde_json::Value;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

struct Asked(Lake);

#[async_trait::async_trait]
impl AsyncDB for Asked {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let batches = self.0.sql(sql).await?;
        let types = vec![DefaultColumnType::Any; batches[0].num_columns()];
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => "NULL".to_owned(),
            other => other.to_string(),
        };
        let rows = json_rows(&batches).iter().map(|row| row.values().map(text).collect()).collect();
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

async fn check(file: &str) {
    let mut runner = Runner::new(|| async { Ok(Asked(common::lake().await)) });
    // Column types stand in the files for the reader; every answer is compared as text.
    runner.with_column_validator(|_, _| true);
    let file = format!("{}/tests/slt/{file}", env!("CARGO_MANIFEST_DIR"));
    Box::pin(runner.run_file_async(file)).await.unwrap();
}

#[tokio::test]
async fn tables() {
    check("tables.slt").await;
}

#[tokio::test]
async fn views() {
    check("views.slt").await;
}

#[tokio::test]
async fn refused() {
    check("refused.slt").await;
}
