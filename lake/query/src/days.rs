//! Which days a query's filters leave: folders that need not be listed, footers that need not be read.

use arrow::datatypes::DataType;
use cauce_tables::{Days, Derived, Table};
use chrono::{DateTime, NaiveDate};
use datafusion::{
    common::ScalarValue,
    logical_expr::{BinaryExpr, Expr, Operator},
};

use crate::provider::Kind;

/// The column whose UTC day is the partition's day, for every row of the table: the time at which the bytes of the
/// row were fetched, or for a run its start. A filter on it is a filter on days.
fn time_column(table: Kind) -> Option<&'static str> {
    match table {
        Kind::Observed(Table::FactOffers | Table::FactMarketDepth) => Some("extraction_timestamp"),
        Kind::Observed(Table::OpsDataQuality) | Kind::Derived(Derived::OpsDerivedQuality) => {
            Some("check_timestamp")
        }
        Kind::Observed(Table::OpsBatchRuns) => Some("batch_start_time"),
        Kind::Derived(Derived::FactOfferChanges) => Some("changed_at"),
        // Errors may come after midnight in a run that started before it; quarantined records may have no time, and a
        // payment event says when it happened, and not when it was brought.
        Kind::Observed(
            Table::OpsExtractionErrors
            | Table::Quarantine
            | Table::FactPaymentEvents
            | Table::FactFxRates
            | Table::TradeObservations
            | Table::OpsAccountResults
            | Table::OpsDeliveries,
        )
        | Kind::Derived(
            Derived::DimAdvertisers
            | Derived::Payments
            | Derived::FactTrades
            | Derived::FactPositions
            | Derived::FactTradeStats,
        ) => None,
    }
}

/// The days that the filters leave. Filters that say nothing about days leave all.
pub(crate) fn wanted(table: Kind, filters: &[Expr]) -> Days {
    filters.iter().fold(Days::ALL, |days, filter| days.and(of(table, filter)))
}

fn of(table: Kind, filter: &Expr) -> Days {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return Days::ALL };
    if *op == Operator::And {
        return of(table, left).and(of(table, right));
    }
    let (column, value, op) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) => (column, value, *op),
        (Expr::Literal(value, _), Expr::Column(column)) => match op.swap() {
            Some(swapped) => (column, value, swapped),
            None => return Days::ALL,
        },
        _ => return Days::ALL,
    };
    let day = match column.name() {
        "date" => date(value),
        name if Some(name) == time_column(table) => day_of_time(value),
        _ => None,
    };
    // A bound that is not the day's first moment leaves the day in; one day too many costs a listing, never a row.
    match (op, day) {
        (Operator::Eq, Some(day)) => Days { first: Some(day), last: Some(day) },
        (Operator::Gt | Operator::GtEq, Some(day)) => Days { first: Some(day), last: None },
        (Operator::Lt | Operator::LtEq, Some(day)) => Days { first: None, last: Some(day) },
        _ => Days::ALL,
    }
}

fn date(value: &ScalarValue) -> Option<NaiveDate> {
    match value.cast_to(&DataType::Date32).ok()? {
        ScalarValue::Date32(Some(days)) => {
            Some(NaiveDate::default() + chrono::Duration::days(i64::from(days)))
        }
        _ => None,
    }
}

fn day_of_time(value: &ScalarValue) -> Option<NaiveDate> {
    let micros = match value {
        ScalarValue::TimestampSecond(Some(time), _) => time.checked_mul(1_000_000)?,
        ScalarValue::TimestampMillisecond(Some(time), _) => time.checked_mul(1_000)?,
        ScalarValue::TimestampMicrosecond(Some(time), _) => *time,
        ScalarValue::TimestampNanosecond(Some(time), _) => time.div_euclid(1_000),
        _ => return None,
    };
    Some(DateTime::from_timestamp_micros(micros)?.date_naive())
}

#[cfg(test)]
mod tests {
    use datafusion::{logical_expr::lit, prelude::col};

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Expr {
        let time: DateTime<chrono::Utc> = text.parse().unwrap();
        lit(ScalarValue::TimestampMicrosecond(Some(time.timestamp_micros()), Some("UTC".into())))
    }

    fn date_literal(text: &str) -> Expr {
        let days = (day(text) - NaiveDate::default()).num_days();
        lit(ScalarValue::Date32(Some(i32::try_from(days).unwrap())))
    }

    #[test]
    fn bounds_on_time_and_date_meet() {
        let filters = [
            col("extraction_timestamp").gt_eq(at("2026-03-01T23:59:00Z")).and(col("price").gt(lit(1))),
            date_literal("2026-03-05").gt_eq(col("date")),
        ];
        let days = wanted(Kind::Observed(Table::FactOffers), &filters);
        assert_eq!(days, Days { first: Some(day("2026-03-01")), last: Some(day("2026-03-05")) });
    }

    #[test]
    fn what_says_nothing_about_days_leaves_all() {
        let either = col("date").eq(date_literal("2026-03-05")).or(col("fiat").eq(lit("VES")));
        assert_eq!(wanted(Kind::Observed(Table::FactOffers), &[either]), Days::ALL);
        let other_table = col("quarantined_at").gt_eq(at("2026-03-01T00:00:00Z"));
        assert_eq!(wanted(Kind::Observed(Table::Quarantine), &[other_table]), Days::ALL);
    }
}
