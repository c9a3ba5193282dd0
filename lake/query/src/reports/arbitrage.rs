//! Arbitrage: buying from one maker and selling to another, after fees.
//!
//! An opportunity is one offer that sells (the taker buys) and one that buys (the taker sells) of the same asset and
//! currency, such that selling brings more than buying costs:
//!
//! - `cost` = price of the first × (1 + the venue's fee of buying + the payment method's fee);
//! - `proceeds` = price of the second × (1 − the venue's fee of selling − the payment method's fee);
//! - `profit_percentage` = (`proceeds` − `cost`) × 100 ÷ `cost`.
//!
//! Of every venue and payment method the best offer of each side counts. `kind` says where the two differ: `venues`;
//! else `payment_methods`; else `sides` only, which is a crossed book.

use arrow::array::RecordBatch;
use cauce_model::Fees;
use rust_decimal::Decimal;

use super::{BY_PRICE, Markets, Now, Takeable, decimal};
use crate::{Lake, QueryError, history::quoted};

/// The share by which an offer's price is more for who buys, or less for who sells, as SQL.
fn share(fees: &Fees) -> String {
    let literal = |fee: Decimal| format!("CAST('{fee}' AS DECIMAL(9, 8))");
    let mut venues: Vec<String> = Vec::new();
    for (venue, taker) in &fees.venues {
        for (side, fee) in [("BUY", taker.buy), ("SELL", taker.sell)] {
            let venue = quoted(venue.as_str());
            venues.push(format!("WHEN venue = {venue} AND trade_type = '{side}' THEN {}", literal(fee)));
        }
    }
    let methods = fees.payment_methods.iter();
    let methods: Vec<String> = methods
        .map(|(code, fee)| format!("WHEN payment_method = {} THEN {}", quoted(code), literal(*fee)))
        .collect();
    let none = literal(Decimal::ZERO);
    let case = |cases: &[String]| match cases {
        [] => none.clone(),
        cases => format!("CASE {} ELSE {none} END", cases.join(" ")),
    };
    format!("({} + {})", case(&venues), case(&methods))
}

/// All pairs of newest offers of whoever buys and whoever sells, as the SQL that begins with them as `pairs`.
fn pairs(now: &Now, markets: &Markets, takeable: &Takeable, fees: &Fees) -> String {
    format!(
        "WITH methods AS (SELECT *, unnest(payment_methods) AS payment_method FROM {offers} WHERE {takeable}),
              best AS (
                  SELECT *, CAST(CASE WHEN trade_type = 'BUY' THEN price * (1 + {share})
                                      ELSE price * (1 - {share}) END AS DECIMAL(20, 8)) AS effective_price
                  FROM (SELECT *, row_number() OVER (
                            PARTITION BY venue, crypto, fiat, trade_type, payment_method
                            ORDER BY {BY_PRICE}, rank) AS place
                        FROM methods)
                  WHERE place = 1),
              pairs AS (
                  SELECT CASE WHEN b.venue <> s.venue THEN 'venues'
                              WHEN b.payment_method <> s.payment_method THEN 'payment_methods'
                              ELSE 'sides' END AS kind,
                         b.crypto AS asset, b.fiat AS fiat,
                         CAST((s.effective_price - b.effective_price) * 100 / b.effective_price
                              AS DECIMAL(20, 8)) AS profit_percentage,
                         CAST(s.effective_price - b.effective_price AS DECIMAL(20, 8)) AS profit_per_unit,
                         least(b.available_amount, s.available_amount) AS quantity,
                         b.venue AS buy_venue, b.payment_method AS buy_payment_method, b.price AS buy_price,
                         b.effective_price AS buy_effective_price, b.offer_external_id AS buy_offer,
                         b.nickname AS buy_nickname, b.extraction_timestamp AS buy_taken_at,
                         b.raw_id AS buy_raw_id, b.raw_pos AS buy_raw_pos,
                         s.venue AS sell_venue, s.payment_method AS sell_payment_method, s.price AS sell_price,
                         s.effective_price AS sell_effective_price, s.offer_external_id AS sell_offer,
                         s.nickname AS sell_nickname, s.extraction_timestamp AS sell_taken_at,
                         s.raw_id AS sell_raw_id, s.raw_pos AS sell_raw_pos
                  FROM best b JOIN best s ON s.crypto = b.crypto AND s.fiat = b.fiat
                  WHERE b.trade_type = 'BUY' AND s.trade_type = 'SELL')",
        offers = now.newest_offers(markets),
        takeable = takeable.conditions(),
        share = share(fees),
    )
}

/// The least profit that a number of the lake can say.
fn any_profit() -> Decimal {
    Decimal::new(1, 8)
}

impl Lake {
    /// Opportunities among the newest snapshots, the best first: those with at least `least` percent of profit, at most
    /// `most` of them.
    pub async fn arbitrage(
        &self,
        now: &Now,
        markets: &Markets,
        takeable: &Takeable,
        fees: &Fees,
        (least, most): (Decimal, u32),
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "{pairs} SELECT * FROM pairs WHERE profit_percentage >= {least}
             ORDER BY profit_percentage DESC, asset, fiat, buy_venue, buy_payment_method, sell_venue,
                      sell_payment_method
             LIMIT {most}",
            pairs = pairs(now, markets, takeable, fees),
            least = decimal(least),
        );
        self.sql(&sql).await
    }

    /// How many opportunities there are of each `kind`, in all markets: rows of `kind` and `opportunities`.
    pub async fn arbitrage_counts(&self, now: &Now, fees: &Fees) -> Result<Vec<RecordBatch>, QueryError> {
        let sql = format!(
            "{pairs} SELECT kind, count(*) AS opportunities FROM pairs WHERE profit_percentage >= {least} GROUP BY kind",
            pairs = pairs(now, &Markets::default(), &Takeable::default(), fees),
            least = decimal(any_profit()),
        );
        self.sql(&sql).await
    }
}
