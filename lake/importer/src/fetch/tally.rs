use cauce_journal::{Observation, new_among};
use cauce_model::{AccountResult, AccountStatus, RawId};
use cauce_normalize::{Trades, WhyNone};
use chrono::{DateTime, Utc};

use crate::file::observations;

/// What was fetched for an account.
#[derive(Debug, Default)]
pub(super) struct Tally {
    observations: Vec<Observation>,
    rejected: u32,
    skipped: u32,
    first_broken: Option<String>,
}

impl Tally {
    /// Adds what stands in a raw object.
    pub(super) fn add(&mut self, trades: Trades, raw_id: &RawId, at: DateTime<Utc>) {
        for other in &trades.others {
            match &other.why {
                WhyNone::Skipped(..) => self.skipped += 1,
                WhyNone::Broken(_, why) => {
                    self.rejected += 1;
                    self.first_broken.get_or_insert_with(|| why.clone());
                }
            }
        }
        self.observations.extend(observations(trades.fills, raw_id, at));
    }

    /// How many fills it has.
    pub(super) fn told(&self) -> usize {
        self.observations.len()
    }

    /// Completes a result: how many fills are new beside those that are known, and what could not be read.
    pub(super) fn count_into(self, result: &mut AccountResult, known: Vec<Observation>) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let is_new = match self.observations.is_empty() {
            true => Vec::new(),
            false => new_among(known, &self.observations),
        };
        let new = is_new.iter().filter(|is_new| **is_new).count();
        result.trades = count(new);
        result.duplicates = count(is_new.len() - new);
        result.rejected = self.rejected;
        result.skipped = self.skipped;
        if let Some(broken) = self.first_broken {
            let why = format!("{} rows can't be read, the first: {broken}", self.rejected);
            result.error = Some(match result.error.take() {
                Some(error) => format!("{error}; {why}"),
                None => why,
            });
            if result.status == AccountStatus::Imported {
                result.status = AccountStatus::Partial;
            }
        }
    }
}
