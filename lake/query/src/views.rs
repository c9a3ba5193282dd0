//! The views, in SQL. They are the lake's public face for `cauce sql`; the reports read some of them too.

use chrono::{DateTime, Utc};

use crate::history;

/// Names and definitions, in an order in which each finds those that it reads.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    let fixed = OF_DERIVED.iter().chain(OF_OBSERVED).chain(OF_BOTH);
    let mut views: Vec<_> = fixed.map(|(name, sql)| (*name, (*sql).to_owned())).collect();
    views.push(("price_history", history::view()));
    views
}

/// The same for a lake as it was known at a time: without what is derived from all that is known now, and with that time
/// as the present.
pub(crate) fn as_of(time: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let now = history::literal(time);
    let checks = ("ops_data_quality", format!("SELECT * FROM {SNAPSHOT_CHECKS}"));
    let observed = OF_OBSERVED.iter().map(|(name, sql)| (*name, sql.replace("now()", &now)));
    observed.chain([checks, ("price_history", history::view())]).collect()
}

/// The table of checks that need one snapshot only. People ask `ops_data_quality`, which has all of them.
pub(crate) const SNAPSHOT_CHECKS: &str = "ops_snapshot_quality";

const OF_DERIVED: &[(&str, &str)] = &[
    // Checks of single snapshots, and of snapshots against those before them.
    (
        "ops_data_quality",
        "SELECT * FROM ops_snapshot_quality UNION ALL SELECT * FROM ops_derived_quality",
    ),
    // Versions of advertisers with the time that each was true, the last without an end:
    // WHERE valid_from <= t AND t < valid_to. The function advertisers_as_of(t) says the same shorter.
    (
        "advertisers_as_of",
        "SELECT *, effective_date AS valid_from,
                coalesce(expiration_date, arrow_cast('9999-12-31T00:00:00Z', 'Timestamp(Microsecond, Some(\"UTC\"))'))
                    AS valid_to
         FROM dim_advertisers",
    ),
];

const OF_BOTH: &[(&str, &str)] = &[
    // Payments with what they were worth on the day of their first event. Without a rate of that day, or of one of the six
    // before, it is not known.
    (
        "payments_in_usd",
        "SELECT p.*, usd_value(p.authorized_minor, p.currency, r.per_usd) AS authorized_usd,
                usd_value(p.captured_minor, p.currency, r.per_usd) AS captured_usd,
                usd_value(p.refunded_minor, p.currency, r.per_usd) AS refunded_usd,
                usd_value(p.disputed_minor, p.currency, r.per_usd) AS disputed_usd, r.rate_date AS fx_rate_date
         FROM payments p
         LEFT JOIN daily_fx_rates r
           ON r.currency = p.currency AND r.day = CAST(p.first_event_at AS DATE)",
    ),
];

const OF_OBSERVED: &[(&str, &str)] = &[
    // The rate of each currency on each day: the newest that is at most six days old. Of two that a day has, the one that
    // came last.
    (
        "daily_fx_rates",
        "SELECT currency, rate_date, per_usd,
                unnest(generate_series(rate_date,
                    least(coalesce(next_date - INTERVAL '1 day', rate_date + INTERVAL '6 days'), rate_date + INTERVAL '6 days'),
                    INTERVAL '1 day')) AS day
         FROM (SELECT currency, rate_date, per_usd,
                      lead(rate_date) OVER (PARTITION BY currency ORDER BY rate_date) AS next_date
               FROM (SELECT currency, rate_date, last_value(per_usd ORDER BY received_at, raw_id, raw_pos) AS per_usd
                     FROM fact_fx_rates GROUP BY currency, rate_date))",
    ),
    // Events as they are understood best: rules before a model, a model before nobody.
    (
        "understood_events",
        "SELECT * FROM (
               SELECT * FROM fact_payment_events WHERE normalization_method = 'rule_based'
               UNION ALL
               SELECT f.* FROM fact_payment_events f LEFT ANTI JOIN
                   (SELECT event_id FROM fact_payment_events WHERE normalization_method IN ('ai', 'hybrid')) a
                   ON a.event_id = f.event_id
               WHERE f.normalization_method = 'none'
               UNION ALL
               SELECT f.* FROM fact_payment_events f LEFT ANTI JOIN
                   (SELECT event_id FROM fact_payment_events WHERE normalization_method = 'rule_based') b
                   ON b.event_id = f.event_id
               WHERE f.normalization_method IN ('ai', 'hybrid'))",
    ),
    // The same, with what they were worth.
    (
        "payment_events",
        "SELECT e.*, usd_value(e.amount_minor, e.currency, r.per_usd) AS amount_usd, r.rate_date AS fx_rate_date
         FROM understood_events e
         LEFT JOIN daily_fx_rates r
           ON r.currency = e.currency AND r.day = CAST(coalesce(e.occurred_at, e.received_at) AS DATE)",
    ),
    // One row per offer, snapshot and payment method. The first method of an offer is its primary one.
    (
        "fact_offer_payment_methods",
        "SELECT snapshot_id, offer_external_id, venue, extraction_timestamp, payment_method_code,
                payment_method_code = first_code AS is_primary, date
         FROM (SELECT snapshot_id, offer_external_id, venue, extraction_timestamp, date,
                      payment_methods[1] AS first_code, unnest(payment_methods) AS payment_method_code
               FROM fact_offers)",
    ),
    // A snapshot beside the other side of its pair in the same run. A book may be crossed: spreads may be negative.
    (
        "market_depth",
        "SELECT d.*, o.best_ask, o.best_bid,
                o.best_ask - o.best_bid AS spread_absolute,
                (o.best_ask - o.best_bid) * 100 / o.best_bid AS spread_percentage
         FROM fact_market_depth d
         LEFT JOIN (SELECT batch_id, venue, crypto, fiat,
                           min(min_price) FILTER (WHERE trade_type = 'BUY') AS best_ask,
                           max(max_price) FILTER (WHERE trade_type = 'SELL') AS best_bid
                    FROM fact_market_depth GROUP BY batch_id, venue, crypto, fiat) o
           ON o.batch_id = d.batch_id AND o.venue = d.venue AND o.crypto = d.crypto AND o.fiat = d.fiat",
    ),
    // The newest snapshot of each market that is at most 15 minutes old.
    (
        "latest_snapshots",
        "SELECT * FROM (
             SELECT *, row_number() OVER (
                 PARTITION BY venue, crypto, fiat, trade_type ORDER BY extraction_timestamp DESC) AS age_rank
             FROM fact_market_depth WHERE extraction_timestamp >= now() - INTERVAL '15 minutes')
         WHERE age_rank = 1",
    ),
    // Its offers, with the payment methods as a list.
    (
        "latest_market_state",
        "SELECT o.* FROM fact_offers o
         JOIN latest_snapshots s ON s.snapshot_id = o.snapshot_id
         WHERE o.extraction_timestamp >= now() - INTERVAL '15 minutes'",
    ),
    // Offers seen in the last 24 hours, by market.
    (
        "run_stats",
        "SELECT crypto AS asset, fiat, trade_type, count(*) AS count,
                count(*) FILTER (WHERE is_available) AS available,
                price_mean(CAST(sum(price) AS DECIMAL(76, 8)), count(*)) AS avg_price
         FROM fact_offers WHERE extraction_timestamp >= now() - INTERVAL '24 hours'
         GROUP BY crypto, fiat, trade_type",
    ),
    // Each advertiser as last seen.
    (
        "advertisers",
        "SELECT venue, advertiser_id,
                last_value(nickname ORDER BY extraction_timestamp) AS nickname,
                last_value(is_merchant ORDER BY extraction_timestamp) AS is_merchant,
                last_value(user_grade ORDER BY extraction_timestamp) AS user_grade,
                last_value(completion_rate ORDER BY extraction_timestamp) AS completion_rate,
                last_value(positive_rate ORDER BY extraction_timestamp) AS positive_rate,
                last_value(total_orders_count ORDER BY extraction_timestamp) AS total_orders_count,
                min(extraction_timestamp) AS first_seen, max(extraction_timestamp) AS last_seen,
                count(*) AS observations
         FROM fact_offers GROUP BY venue, advertiser_id",
    ),
    (
        "dim_cryptocurrencies",
        "SELECT coalesce(k.symbol, s.symbol) AS symbol, coalesce(k.name, s.symbol) AS name,
                s.venue_codes, s.symbol IS NOT NULL AS is_active
         FROM seed_cryptocurrencies k
         FULL JOIN (SELECT crypto AS symbol, array_agg(DISTINCT venue) AS venue_codes
                    FROM fact_market_depth GROUP BY crypto) s ON s.symbol = k.symbol",
    ),
    (
        "dim_fiat_currencies",
        "SELECT coalesce(k.currency_code, s.code) AS currency_code, coalesce(k.currency_name, s.code) AS currency_name,
                k.country_code, k.minor_unit, s.code IS NOT NULL AS is_active
         FROM seed_fiat_currencies k
         FULL JOIN (SELECT DISTINCT fiat AS code FROM fact_market_depth) s ON s.code = k.currency_code",
    ),
    (
        "dim_payment_methods",
        "SELECT coalesce(k.method_code, s.code) AS method_code, coalesce(k.method_name, s.code) AS method_name,
                coalesce(k.category, 'unknown') AS category, CAST(NULL AS VARCHAR) AS description,
                s.code IS NOT NULL AS is_active
         FROM seed_payment_methods k
         FULL JOIN (SELECT DISTINCT code FROM (SELECT unnest(payment_methods) AS code FROM fact_offers)) s
           ON s.code = k.method_code",
    ),
];
