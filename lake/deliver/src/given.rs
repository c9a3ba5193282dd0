//! What of an account's trades was put into batches: an object beside the tables, a hash per trade.

use std::{collections::BTreeSet, sync::Arc};

use cauce_model::AccountId;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use serde::{Deserialize, Serialize};

use crate::DeliverError;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given {
    hashes: BTreeSet<String>,
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

    pub(crate) fn has(&self, hash: &str) -> bool {
        self.hashes.contains(hash)
    }

    pub(crate) fn add(&mut self, hash: String) {
        self.hashes.insert(hash);
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
