use std::time::Duration;

use backon::BackoffBuilder;
use rand::Rng;

/// Exponential backoff with full jitter: each wait is anything between nothing and twice the bound before, so that
/// many who were refused together don't come back together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FullJitter {
    /// Tries, the first included.
    pub(crate) tries: u32,
}

impl FullJitter {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(20);
}

impl BackoffBuilder for FullJitter {
    type Backoff = Box<dyn Iterator<Item = Duration> + Send + Sync>;

    fn build(self) -> Self::Backoff {
        let bound = |retry: u32| (Self::FIRST * 2_u32.saturating_pow(retry)).min(Self::LONGEST);
        let wait = move |retry| rand::rng().random_range(Duration::ZERO..=bound(retry));
        Box::new((0..self.tries.saturating_sub(1)).map(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_in_bounds_and_end() {
        let waits: Vec<Duration> = FullJitter { tries: 8 }.build().collect();
        assert_eq!(waits.len(), 7, "one wait less than tries");
        for (retry, wait) in (0..).zip(&waits) {
            let bound = FullJitter::FIRST * 2_u32.pow(retry);
            assert!(*wait <= bound.min(FullJitter::LONGEST), "wait {retry} is {wait:?}");
        }
        assert_eq!(FullJitter { tries: 1 }.build().count(), 0);
        let again: Vec<Duration> = FullJitter { tries: 8 }.build().collect();
        assert_ne!(waits, again, "jitter");
    }
}
