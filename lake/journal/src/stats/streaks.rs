use std::cmp::Ordering;

use rust_decimal::Decimal;

/// The longest runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streaks {
    /// Of wins.
    pub wins: u32,
    /// Of losses.
    pub losses: u32,
}

/// The longest runs of wins and of losses; breakeven ends both.
pub fn streaks(nets: impl Iterator<Item = Decimal>) -> Streaks {
    let (mut longest, mut now) = (Streaks::default(), Streaks::default());
    for net in nets {
        now = match net.cmp(&Decimal::ZERO) {
            Ordering::Greater => Streaks { wins: now.wins + 1, losses: 0 },
            Ordering::Less => Streaks { wins: 0, losses: now.losses + 1 },
            Ordering::Equal => Streaks::default(),
        };
        longest.wins = longest.wins.max(now.wins);
        longest.losses = longest.losses.max(now.losses);
    }
    longest
}
