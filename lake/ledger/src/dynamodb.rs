//! The ledger on AWS: one DynamoDB table.
//!
//! An item's key is split at its first `/`: what is before it is the partition key `group`, the whole is the sort key
//! `key`, so that items of one kind are listed by one query. `value` is JSON, `version` a number, and `expires_at`,
//! where it is there, the second since 1970 at which DynamoDB may delete the item.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata},
    types::AttributeValue,
};
use chrono::Utc;

use crate::{Item, Ledger, LedgerError};

/// Kinds of items that nobody deletes, and how long they are of use.
const EXPIRING: [(&str, Duration); 3] = [
    ("attempt", Duration::from_secs(15 * 24 * 3_600)),
    ("rate", Duration::from_secs(3_600)),
    ("lockout", Duration::from_secs(24 * 3_600)),
];

/// A ledger in a DynamoDB table with the keys `group` (hash) and `key` (range), both text.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    client: Client,
    table: String,
}

type Attributes = HashMap<String, AttributeValue>;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn group(key: &str) -> &str {
    key.split_once('/').map_or("-", |(group, _)| group)
}

fn item(attributes: &Attributes) -> Option<(String, Item)> {
    let text = |name: &str| attributes.get(name)?.as_s().ok().cloned();
    let version = attributes.get("version")?.as_n().ok()?.parse().ok()?;
    Some((text("key")?, Item { value: text("value")?, version }))
}

fn expires_at(key: &str) -> Option<i64> {
    let (_, kept) = EXPIRING.iter().find(|(expiring, _)| *expiring == group(key))?;
    Utc::now().timestamp().checked_add(i64::try_from(kept.as_secs()).ok()?)
}

impl DynamoLedger {
    /// The ledger in `table`.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    fn failed<E: std::error::Error + Send + Sync + 'static>(&self, error: E) -> LedgerError {
        let source = DisplayErrorContext(error).to_string().into();
        LedgerError::Store { place: self.table.clone(), source }
    }

    /// Whether a conditional write went through: a condition that does not hold is an answer and no failure.
    fn decided<T, E>(&self, outcome: Result<T, E>) -> Result<bool, LedgerError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn get(&self, key: &str) -> Result<Option<Item>, LedgerError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.key("group", text(group(key))).key("key", text(key)).send().await;
        let found = got.map_err(|error| self.failed(error))?.item;
        Ok(found.as_ref().and_then(item).map(|(_, item)| item))
    }

    async fn put_if(&self, key: &str, value: &str, expected: Option<i64>) -> Result<bool, LedgerError> {
        let Some(version) = expected else {
            let put = self.client.put_item().table_name(&self.table);
            let put = put
                .item("group", text(group(key)))
                .item("key", text(key))
                .item("value", text(value))
                .item("version", number(1))
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", "key");
            let put = match expires_at(key) {
                Some(second) => put.item("expires_at", number(second)),
                None => put,
            };
            return self.decided(put.send().await);
        };
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .key("group", text(group(key)))
            .key("key", text(key))
            .update_expression("SET #value = :value, #version = #version + :one")
            .condition_expression("#version = :expected")
            .expression_attribute_names("#value", "value")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":value", text(value))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expected", number(version));
        self.decided(update.send().await)
    }

    async fn delete_if(&self, key: &str, expected: i64) -> Result<bool, LedgerError> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete
            .key("group", text(group(key)))
            .key("key", text(key))
            .condition_expression("#version = :expected")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":expected", number(expected));
        self.decided(delete.send().await)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Item)>, LedgerError> {
        let mut found = Vec::new();
        if prefix.contains('/') {
            let mut pages = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("#group = :group AND begins_with(#key, :prefix)")
                .expression_attribute_names("#group", "group")
                .expression_attribute_names("#key", "key")
                .expression_attribute_values(":group", text(group(prefix)))
                .expression_attribute_values(":prefix", text(prefix))
                .into_paginator()
                .items()
                .send();
            while let Some(next) = pages.next().await {
                found.extend(item(&next.map_err(|error| self.failed(error))?));
            }
        } else {
            // Items of several kinds: all are looked at. Nothing in Cauce asks so.
            let mut pages = self
                .client
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .filter_expression("begins_with(#key, :prefix)")
                .expression_attribute_names("#key", "key")
                .expression_attribute_values(":prefix", text(prefix))
                .into_paginator()
                .items()
                .send();
            while let Some(next) = pages.next().await {
                found.extend(item(&next.map_err(|error| self.failed(error))?));
            }
        }
        found.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(found)
    }
}
