//! The figures of one snapshot, in integers of 10^-8.

use cauce_model::{Depth, Offer, TradeType, median, sum_of_squares};

/// Offers whose liquidity counts as "top".
const TOP: usize = 10;

/// Fills in all that follows from the offers; what was announced and received stays as it is in `counted`.
pub(crate) fn of(offers: &[Offer<'_>], side: TradeType, counted: Depth) -> Depth {
    let mut best_first: Vec<&Offer<'_>> = offers.iter().collect();
    best_first.sort_by_key(|offer| match side {
        TradeType::Buy => offer.price.units(),
        TradeType::Sell => -offer.price.units(),
    });
    let prices: Vec<i128> = best_first.iter().map(|offer| offer.price.units()).collect();
    let volume = sum(best_first.iter().map(|offer| offer.available.units()));
    let top = &best_first[..best_first.len().min(TOP)];
    Depth {
        offers: i32::try_from(offers.len()).unwrap_or(i32::MAX),
        volume,
        sum_price: sum(prices.iter().copied()),
        sum_price_sq: sum_of_squares(&prices),
        min_price: prices.iter().min().copied(),
        max_price: prices.iter().max().copied(),
        median_price: median(&prices),
        weighted_avg_price: weighted_mean(&best_first, volume),
        price_std_dev: std_dev(&prices),
        top10_volume: sum(top.iter().map(|offer| offer.available.units())),
        top10_avg_price: mean(&prices[..top.len()]),
        merchant_best_price: best_first
            .iter()
            .find(|offer| offer.is_merchant)
            .map(|offer| offer.price.units()),
        ..counted
    }
}

/// Cannot overflow: a value is below 10^20, and a snapshot has fewer than 10^18 offers.
fn sum(values: impl Iterator<Item = i128>) -> i128 {
    values.sum()
}

fn mean(values: &[i128]) -> Option<i128> {
    let count = i128::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(sum(values.iter().copied()) / count)
}

fn weighted_mean(offers: &[&Offer<'_>], volume: i128) -> Option<i128> {
    let weighted = offers.iter().try_fold(0_i128, |total, offer| {
        total.checked_add(offer.price.units().checked_mul(offer.available.units())?)
    });
    weighted?.checked_div(volume)
}

/// Population standard deviation, from the distances to the mean so that the squares stay small.
fn std_dev(prices: &[i128]) -> Option<i128> {
    let center = mean(prices)?;
    let count = i128::try_from(prices.len()).ok()?;
    let mut distances = 0_i128;
    let mut squares = 0_i128;
    for price in prices {
        let distance = price - center;
        distances += distance;
        squares = squares.checked_add(distance.checked_mul(distance)?)?;
    }
    let variance = (squares - distances.checked_mul(distances)? / count) / count;
    variance.max(0).checked_isqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i128 = 100_000_000;

    #[test]
    fn figures_of_a_small_book() {
        let prices = [10 * ONE, 11 * ONE, 13 * ONE, 14 * ONE];
        assert_eq!(median(&prices), Some(12 * ONE));
        assert_eq!(mean(&prices), Some(12 * ONE));
        assert_eq!(sum_of_squares(&prices), Some(586 * ONE * ONE));
        // Distances 2, 1, 1, 2: the variance is 2.5.
        assert_eq!(std_dev(&prices), Some(158_113_883));
        assert_eq!(std_dev(&[7 * ONE; 3]), Some(0));
        assert_eq!((median(&[]), mean(&[]), std_dev(&[])), (None, None, None));
    }

    #[test]
    fn a_book_of_bitcoin_in_pesos_fits_and_an_absurd_one_does_not_panic() {
        let bitcoin_in_pesos = vec![450_000_000 * ONE + 12_345_678; 1_000];
        assert!(sum_of_squares(&bitcoin_in_pesos).is_some());
        let absurd = vec![10_i128.pow(20) - 1; 1_000];
        assert_eq!(sum_of_squares(&absurd), None);
        assert_eq!(std_dev(&absurd), Some(0));
    }
}
