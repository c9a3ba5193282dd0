//! The ledger on AWS keeps the promises of every ledger.
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

#[path = "../../../tests/emulator/mod.rs"]
mod emulator;

use std::sync::Arc;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use cauce_ledger::{DynamoLedger, conformance};
use emulator::Emulator;

async fn make_table(client: &Client, name: &str) {
    let attribute = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("group"))
        .attribute_definitions(attribute("key"))
        .key_schema(key("group", KeyType::Hash))
        .key_schema(key("key", KeyType::Range))
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_dynamodb() {
    let Some(emulator) = Emulator::start() else { return };
    let client = Client::new(&cauce_raw::aws::emulator(&emulator.endpoint));
    make_table(&client, "ledger").await;
    conformance::run(Arc::new(DynamoLedger::new(client, "ledger"))).await.unwrap();
}
