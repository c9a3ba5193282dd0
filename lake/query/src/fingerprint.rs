//! What an answer would be made from, as one short text: the files that a plan takes, and which of their rows. While it
//! stays, so does every answer to a question that does not name the present.

use cauce_tables::{Days, Derived, PlannedFile, Table, Take};

use crate::{Lake, QueryError};

/// Rows that an answer is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A table of observations.
    Observed(Table, Days),
    /// A table derived from them.
    Derived(Derived, Days),
}

impl Lake {
    /// A hash over the files that `reads` come from. Costs their listings, and the footers of unsealed days, which are
    /// kept.
    pub async fn fingerprint(&self, reads: &[Reads]) -> Result<blake3::Hash, QueryError> {
        let planned = reads.iter().map(|read| async {
            match *read {
                Reads::Observed(table, days) => self.planner().plan(table, days).await,
                Reads::Derived(table, days) => self.planner().derived(table, days).await,
            }
        });
        let mut hash = blake3::Hasher::new();
        for plan in futures::future::try_join_all(planned).await? {
            hash.update(&plan.len().to_le_bytes());
            for file in &plan {
                add(&mut hash, file);
            }
        }
        Ok(hash.finalize())
    }
}

fn add(hash: &mut blake3::Hasher, file: &PlannedFile) {
    hash.update(file.meta.location.as_ref().as_bytes()).update(&[0]);
    hash.update(file.meta.e_tag.as_deref().unwrap_or_default().as_bytes()).update(&[0]);
    hash.update(&file.meta.size.to_le_bytes());
    if let Take::Ranges { ranges, .. } = &file.rows {
        for (start, length) in ranges {
            hash.update(&start.to_le_bytes()).update(&length.to_le_bytes());
        }
    }
}
