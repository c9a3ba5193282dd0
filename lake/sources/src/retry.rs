use std::time::Duration;

use rand::Rng;

/// The bound of the first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The bound that later waits grow to.
const LONGEST: Duration = Duration::from_secs(20);

/// The waits between `tries` tries: exponential backoff with full jitter. Each is anything between nothing and twice
/// the bound before, so that many who were refused together don't come back together. (The crates for retrying add
/// jitter to a backoff, which keeps them together.)
pub fn full_jitter(tries: u32) -> impl Iterator<Item = Duration> + Send {
    let bound = |retry: u32| FIRST.saturating_mul(2_u32.saturating_pow(retry)).min(LONGEST);
    (0..tries.saturating_sub(1)).map(move |retry| rand::rng().random_range(Duration::ZERO..=bound(retry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_in_bounds_and_end() {
        let waits: Vec<Duration> = full_jitter(8).collect();
        assert_eq!(waits.len(), 7, "one wait less than tries");
        for (retry, wait) in (0..).zip(&waits) {
            assert!(*wait <= (FIRST * 2_u32.pow(retry)).min(LONGEST), "wait {retry} is {wait:?}");
        }
        assert_eq!(full_jitter(1).count(), 0);
        assert_ne!(waits, full_jitter(8).collect::<Vec<_>>(), "jitter");
    }
}
