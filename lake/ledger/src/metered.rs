use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use cauce_telemetry::{LEDGER_DURATION, LEDGER_FAILURES, Timer};

use crate::{Item, Ledger, LedgerError};

/// A ledger whose operations are counted and timed.
#[derive(Debug, Clone)]
pub struct MeteredLedger(Arc<dyn Ledger>);

impl MeteredLedger {
    /// Counts what is done to `inner`.
    pub fn new(inner: Arc<dyn Ledger>) -> Self {
        Self(inner)
    }
}

async fn counted<T>(
    operation: &'static str,
    work: impl Future<Output = Result<T, LedgerError>> + Send,
) -> Result<T, LedgerError> {
    let _timer = Timer::start(&LEDGER_DURATION, operation);
    work.await.inspect_err(|_| LEDGER_FAILURES.add([operation], 1))
}

#[async_trait]
impl Ledger for MeteredLedger {
    async fn get(&self, key: &str) -> Result<Option<Item>, LedgerError> {
        counted("get", self.0.get(key)).await
    }

    async fn put_if(&self, key: &str, value: &str, expected: Option<i64>) -> Result<bool, LedgerError> {
        counted("put", self.0.put_if(key, value, expected)).await
    }

    async fn delete_if(&self, key: &str, expected: i64) -> Result<bool, LedgerError> {
        counted("delete", self.0.delete_if(key, expected)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Item)>, LedgerError> {
        counted("list", self.0.list(prefix)).await
    }
}
