use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::numbers::{Result, minus, over, plus};

/// A fall from the highest value before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawdown {
    /// How much.
    pub amount: Decimal,
    /// As a share of the highest value; none if the starting balance is not known, or that value is not above zero.
    pub share: Option<Decimal>,
    /// When that was reached; none for the start.
    pub peak_at: Option<DateTime<Utc>>,
    /// When it had fallen so far.
    pub trough_at: Option<DateTime<Utc>>,
    /// When that value was reached again; none if it has not been yet.
    pub recovered_at: Option<DateTime<Utc>>,
}

/// The largest falls of a curve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawdowns {
    /// By amount; zero where it never fell.
    pub absolute: Drawdown,
    /// By share; none if the starting balance is not known.
    pub relative: Option<Drawdown>,
}

/// The largest falls of cumulative net profit, which begins at `balance`, else at zero.
pub fn drawdowns(closes: &[(DateTime<Utc>, Decimal)], balance: Option<Decimal>) -> Result<Drawdowns> {
    let mut value = balance.unwrap_or_default();
    let (mut peak, mut peak_at) = (value, None);
    // What never fell has fallen by nothing of what there was.
    let share = balance.filter(|balance| *balance > Decimal::ZERO).map(|_| Decimal::ZERO);
    let mut absolute = Drawdown { share, ..Drawdown::default() };
    let mut relative = balance.map(|_| absolute.clone());
    // The value from which each of the two fell, until it is reached again.
    let (mut absolute_from, mut relative_from) = (None, None);
    for (at, net) in closes {
        value = plus(value, *net)?;
        let recovered = |drawdown: &mut Drawdown, from: &mut Option<Decimal>| {
            if from.is_some_and(|from| value >= from) {
                (drawdown.recovered_at, *from) = (Some(*at), None);
            }
        };
        recovered(&mut absolute, &mut absolute_from);
        if let Some(relative) = &mut relative {
            recovered(relative, &mut relative_from);
        }
        if value >= peak {
            (peak, peak_at) = (value, Some(*at));
            continue;
        }
        let amount = minus(peak, value)?;
        let share = match balance {
            Some(_) if peak > Decimal::ZERO => Some(over(amount, peak)?),
            _ => None,
        };
        let fallen = Drawdown { amount, share, peak_at, trough_at: Some(*at), recovered_at: None };
        if amount > absolute.amount {
            (absolute, absolute_from) = (fallen.clone(), Some(peak));
        }
        if let (Some(relative), Some(_)) = (&mut relative, share)
            && fallen.share > relative.share
        {
            (*relative, relative_from) = (fallen, Some(peak));
        }
    }
    Ok(Drawdowns { absolute, relative })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn of(nets: &[i64], balance: Option<i64>) -> Drawdowns {
        let at = |day: usize| DateTime::UNIX_EPOCH + TimeDelta::days(i64::try_from(day).unwrap());
        let closes: Vec<_> =
            nets.iter().enumerate().map(|(day, net)| (at(day), Decimal::from(*net))).collect();
        drawdowns(&closes, balance.map(Decimal::from)).unwrap()
    }

    fn day(drawdown: Option<DateTime<Utc>>) -> Option<i64> {
        drawdown.map(|at| (at - DateTime::UNIX_EPOCH).num_days())
    }

    #[test]
    fn the_largest_by_amount_is_not_the_largest_by_share() {
        let Drawdowns { absolute, relative } = of(&[0, -500, 500, 10_000, -1_000], Some(1_000));
        assert_eq!(absolute.amount, Decimal::from(1_000));
        assert_eq!(absolute.share.unwrap().round_dp(6).to_string(), "0.090909");
        assert_eq!(
            [day(absolute.peak_at), day(absolute.trough_at), day(absolute.recovered_at)],
            [Some(3), Some(4), None]
        );
        let relative = relative.unwrap();
        assert_eq!((relative.amount, relative.share), (Decimal::from(500), Some(Decimal::new(5, 1))));
        assert_eq!(
            [day(relative.peak_at), day(relative.trough_at), day(relative.recovered_at)],
            [Some(0), Some(1), Some(2)]
        );
    }

    #[test]
    fn without_a_balance_it_begins_at_zero_and_there_are_no_shares() {
        let Drawdowns { absolute, relative } = of(&[-30, 10, 40], None);
        assert_eq!((absolute.amount, absolute.share, absolute.peak_at), (Decimal::from(30), None, None));
        assert_eq!((day(absolute.trough_at), day(absolute.recovered_at)), (Some(0), Some(2)));
        assert_eq!(relative, None);
        assert_eq!(of(&[1, 2], None).absolute, Drawdown::default());
        let never = Drawdown { share: Some(Decimal::ZERO), ..Drawdown::default() };
        assert_eq!(of(&[1, 2], Some(10)), Drawdowns { absolute: never.clone(), relative: Some(never) });
    }
}
