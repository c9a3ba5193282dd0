//! Spans of days.

use chrono::NaiveDate;

/// Which days are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first of them, if there is a first.
    pub first: Option<NaiveDate>,
    /// The last of them, if there is a last.
    pub last: Option<NaiveDate>,
}

impl Days {
    /// Every day.
    pub const ALL: Self = Self { first: None, last: None };

    /// One day.
    pub fn only(day: NaiveDate) -> Self {
        Self { first: Some(day), last: Some(day) }
    }

    /// Whether a day is wanted.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first.is_none_or(|first| day >= first) && self.last.is_none_or(|last| day <= last)
    }

    /// The days themselves, if they are few.
    pub fn few(&self) -> Option<Vec<NaiveDate>> {
        const FEW: i64 = 4;
        let (first, last) = (self.first?, self.last?);
        ((last - first).num_days() < FEW).then(|| first.iter_days().take_while(|day| *day <= last).collect())
    }

    /// The days that both want.
    pub fn and(self, other: Self) -> Self {
        let last = match (self.last, other.last) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { first: self.first.max(other.first), last }
    }
}
