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

use super::links::{Links, listed};

/// The columns that say which payment a row is of: of events and of payments alike.
pub(super) const KEY: [&str; 3] = ["provider", "provider_payment_id", "identity"];
/// The column with the other ids of a row's payment, of both.
pub(super) const OTHER_IDS: &str = "other_payment_ids";

/// A payment within one pass: a hash, so that millions fit. Two payments of one hash are made again together.
pub(super) type Key = u64;

/// A payment: its provider, and the provider's id of it or, of an event that has none, the event's identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Payment {
    pub(super) provider: String,
    pub(super) name: Name,
}

/// What a payment is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    links: Arc<Links>,
    number: u64,
    of: u64,
}

impl Keys {
    pub(super) fn slice(&self, links: &Arc<Links>, number: u64, of: u64) -> Slice {
        Slice { keys: self.clone(), links: Arc::clone(links), number, of }
    }
}

impl Slice {
    /// Whether a payment is one of these, by any of its ids.
    pub(super) fn has(&self, key: Key) -> bool {
        let key = self.links.key(key);
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
    let of_row = |row| key(text(providers, row), text(ids, row), text(identities, row));
    Ok((0..batch.num_rows()).map(of_row).collect())
}

/// The payments that each row of the table was made from: one for each of its ids.
pub(super) fn of_all_ids(batch: &RecordBatch) -> Result<Vec<Vec<Key>>, ArrowError> {
    let columns = Columns(batch);
    let (providers, others) = (columns.text(KEY[0])?, columns.text_since_added(OTHER_IDS)?);
    let mut keys: Vec<Vec<Key>> = of_rows(batch)?.into_iter().map(|key| vec![key]).collect();
    if let Some(others) = others {
        for (row, keys) in keys.iter_mut().enumerate() {
            let provider = text(providers, row);
            keys.extend(listed(text(others, row)).map(|id| key(provider, Some(id), None)));
        }
    }
    Ok(keys)
}

/// The key of a provider's id, or else of an event's identity.
pub(super) fn key(provider: Option<&str>, id: Option<&str>, identity: Option<&str>) -> Key {
    let mut hasher = DefaultHasher::new();
    (provider, id.is_some(), id.or(identity)).hash(&mut hasher);
    hasher.finish()
}
