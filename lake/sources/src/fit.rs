use std::{collections::BTreeMap, time::Duration};

use cauce_model::Venue;

/// Whether a venue's markets can be asked within the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The venue.
    pub venue: Venue,
    /// Requests of one run.
    pub requests: u32,
    /// What they take at the venue's pace.
    pub needed: Duration,
    /// The time between two runs.
    pub available: Duration,
}

impl Fit {
    /// A tenth is kept free for retries and slow answers.
    pub fn fits(&self) -> bool {
        self.needed <= self.available.mul_f64(0.9)
    }
}

/// Compares the requests of a run, by venue, with the time between two runs.
pub fn fit(
    requests: &BTreeMap<Venue, u32>,
    pace: impl Fn(&Venue) -> Duration,
    available: Duration,
) -> Vec<Fit> {
    let one = |(venue, requests): (&Venue, &u32)| Fit {
        venue: venue.clone(),
        requests: *requests,
        needed: pace(venue) * *requests,
        available,
    };
    requests.iter().map(one).collect()
}
