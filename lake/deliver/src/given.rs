//! What of an account's trades was put into batches: an object beside the tables, the hash of what
//! was said last of each.

use std::{collections::BTreeMap, sync::Arc};

use cauce_model::AccountId;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use crate::DeliverError;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given {
    trades: BTreeMap<String, String>,
}

impl Given {
    fn path(sink: &str, account: &AccountId) -> Path {
        Path::from(format!("deliveries/{sink}/account={account}.json"))
    }

    pub(crate) async fn read(
        store: &Arc<dyn ObjectStore>,
        sink: &str,
        account: &AccountId,
    ) -> Result<Self, DeliverError> {
        match store.get(&Self::path(sink, account)).await {
            Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?)?),
            Err(object_store::Error::NotFound { .. }) => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this was said last of the trade.
    pub(crate) fn has(&self, trade_id: &str, hash: &str) -> bool {
        self.trades.get(trade_id).is_some_and(|last| last == hash)
    }

    pub(crate) fn add(&mut self, trade_id: String, hash: String) {
        self.trades.insert(trade_id, hash);
    }

    pub(crate) fn add_if_unknown(&mut self, trade_id: String, hash: String) {
        self.trades.entry(trade_id).or_insert(hash);
    }

    pub(crate) fn len(&self) -> usize {
        self.trades.len()
    }

    /// Nobody else writes it: the cycle has its lease.
    pub(crate) async fn write(
        &self,
        store: &Arc<dyn ObjectStore>,
        sink: &str,
        account: &AccountId,
    ) -> Result<(), DeliverError> {
        store.put(&Self::path(sink, account), serde_json::to_vec(self)?.into()).await?;
        Ok(())
    }
}
