//! Which payment an event is of, and sets of payments that are worked on.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use arrow::{array::RecordBatch, error::ArrowError};
use cauce_tables::{
    Passes,
    typed::{Columns, text},
};

/// The columns that say which payment a row is of: of events and of payments alike.
pub(super) const KEY: [&str; 3] = ["provider", "provider_payment_id", "identity"];

/// A payment within one pass: a hash, so that millions fit. Two payments of one hash are made again together.
pub(super) type Key = u64;

/// A payment: its provider, and the provider's id of it or, of an event that has none, the event's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Payment {
    pub(super) provider: String,
    pub(super) name: Name,
}

/// What a payment is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// By its provider.
    Id(String),
    /// By the identity of the one event that it has.
    Alone(String),
}

/// Some payments, or all.
#[derive(Debug, Clone)]
pub(super) enum Keys {
    All,
    Some(Arc<HashSet<Key>>),
}

/// One of so many parts of them.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    keys: Keys,
    number: u64,
    of: u64,
}

impl Keys {
    pub(super) fn slice(&self, number: u64, of: u64) -> Slice {
        Slice { keys: self.clone(), number, of }
    }
}

impl Slice {
    pub(super) fn has(&self, key: Key) -> bool {
        let is_wanted = match &self.keys {
            Keys::All => true,
            Keys::Some(keys) => keys.contains(&key),
        };
        is_wanted && key % self.of == self.number
    }

    /// Says of rows whether they are of these payments.
    pub(super) fn passes(&self) -> Arc<Passes> {
        let slice = self.clone();
        Arc::new(move |batch| {
            let are_wanted: Vec<bool> = of_rows(batch)?.into_iter().map(|key| slice.has(key)).collect();
            Ok(are_wanted.into())
        })
    }
}

/// The payment of each row.
pub(super) fn of_rows(batch: &RecordBatch) -> Result<Vec<Key>, ArrowError> {
    let columns = Columns(batch);
    let (providers, ids, identities) = (columns.text(KEY[0])?, columns.text(KEY[1])?, columns.text(KEY[2])?);
    let key = |row| {
        let mut hasher = DefaultHasher::new();
        let id = text(ids, row);
        let name = id.or_else(|| text(identities, row));
        (text(providers, row), id.is_some(), name).hash(&mut hasher);
        hasher.finish()
    };
    Ok((0..batch.num_rows()).map(key).collect())
}
