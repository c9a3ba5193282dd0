//! Every figure. docs/observability.md is made from this list.

use crate::{Counter, Figure, Gauge, Histogram};

macro_rules! meters {
    ($($name:ident: $kind:ident<$labels:literal> = $value:expr;)*) => {
        $(
            #[doc = concat!("See [`FIGURES`]: `", stringify!($name), "`.")]
            pub static $name: $kind<$labels> = $value;
        )*

        /// Every figure, in the order of the river.
        pub static FIGURES: &[Figure] = &[$($name.figure()),*];
    };
}

meters! {
    UPTIME: Gauge<0> = Gauge::new("uptime_seconds", [], "time since this process started").detail();
    COMPONENT_UP: Gauge<1> = Gauge::new("component_up", ["component"], "1 where a part of it is well, else 0").detail();

    RUNS: Counter<1> = Counter::new("runs_total", ["status"], "runs that ended");
    RUN_DURATION: Histogram<0> = Histogram::new("run_duration_seconds", [], "how long runs took");
    PRICE_UPDATES: Counter<0> = Counter::new("price_updates_total", [], "offers received from venues");
    EXTRACTION_ERRORS: Counter<0> =
        Counter::new("extraction_errors_total", [], "requests that failed for good, and left a market without them");
    SNAPSHOT_COMPLETENESS: Histogram<1> =
        Histogram::new("snapshot_completeness_ratio", ["venue"], "offers received of those that the venue announced, a turn");
    VENUE_REQUEST_DURATION: Histogram<1> =
        Histogram::new("venue_request_duration_seconds", ["venue"], "how long a venue took for an answer");
    VENUE_RETRIES: Counter<1> = Counter::new("venue_retries_total", ["venue"], "requests sent again after one that failed");
    BREAKER_STATE: Gauge<1> =
        Gauge::new("breaker_state", ["venue"], "0 closed: the venue is asked; 1 half-open: one request probes it; 2 open: it is left alone")
            .detail();
    BREAKER_OPENED: Counter<1> = Counter::new("breaker_opened_total", ["venue"], "times that a venue was left alone after failures");

    QUEUE_PUBLISHED: Counter<0> = Counter::new("queue_published_total", [], "messages put into the queue").detail();
    QUEUE_CONSUMED: Counter<1> = Counter::new("queue_consumed_total", ["outcome"], "messages handled: done or failed");
    QUEUE_MESSAGES: Gauge<1> =
        Gauge::new("queue_messages", ["state"], "messages waiting, in_flight, or dead").detail();
    PAYMENT_EVENTS: Counter<2> = Counter::new(
        "payment_events_total",
        ["provider", "status"],
        "payment events normalized, by what became of the payment; the same event again counts again",
    );
    WEBHOOKS_REFUSED: Counter<1> = Counter::new(
        "webhooks_refused_total",
        ["provider"],
        "webhooks whose signature is not the provider's; kept as evidence, and not used",
    );
    PAYMENTS_UNEXPLAINED: Counter<0> = Counter::new(
        "payment_events_unexplained_total",
        [],
        "payment events whose status nobody has explained: UNKNOWN or UNPROCESSED",
    );
    WEBHOOKS_FORGED: Counter<0> =
        Counter::new("webhooks_forged_total", [], "the same as webhooks_refused_total, of all providers together");
    PAYMENT_ANOMALY: Gauge<2> = Gauge::new(
        "payment_anomaly",
        ["provider", "measure"],
        "1 where volume or success_rate of a provider's last full hour is unlike that hour of the weeks before, else 0",
    )
    .detail();
    PAYMENT_ANOMALIES: Gauge<0> = Gauge::new(
        "payment_anomalies",
        [],
        "how many of payment_anomaly are 1: providers of which the last full hour is unusual, in volume or in success rate",
    );
    MODEL_CALLS: Counter<1> = Counter::new(
        "model_calls_total",
        ["outcome"],
        "questions to a language model about events that no rule knows: answered, unreadable, limited (429) or failed",
    );
    MODEL_DURATION: Histogram<0> =
        Histogram::new("model_call_duration_seconds", [], "how long a language model took for an answer");
    ACCOUNT_IMPORTS: Counter<1> = Counter::new(
        "account_imports_total",
        ["status"],
        "accounts of which brokers were asked for trades, by what became of it: imported, partial, failed, key_revoked, \
         key_not_permitted or skipped",
    );
    ACCOUNT_IMPORTS_MOSTLY_FAILED: Counter<0> = Counter::new(
        "account_imports_mostly_failed_total",
        [],
        "cycles in which more than half of the accounts failed",
    );
    ACCOUNTS_PAUSED: Counter<0> =
        Counter::new("accounts_paused_total", [], "accounts that are not asked any more, as their key does not hold");
    TRADES_DELIVERED: Counter<1> = Counter::new(
        "trades_delivered_total",
        ["outcome"],
        "trades that a platform answered, by what it said: created, duplicate or rejected",
    );
    DELIVERIES_UNANSWERED: Counter<0> =
        Counter::new("deliveries_unanswered_total", [], "tries of batches of trades that a platform did not take");
    DELIVERIES_SET_ASIDE: Counter<0> = Counter::new(
        "deliveries_set_aside_total",
        [],
        "batches of trades that failed too often, and wait until somebody lets them go again",
    );
    OFFERS_WRITTEN: Counter<0> = Counter::new("offers_written_total", [], "rows of offers written to the lake");
    RAW_BYTES: Counter<0> = Counter::new("normalized_bytes_total", [], "raw bytes normalized, decompressed");

    MAINTENANCE_PIECES: Counter<1> =
        Counter::new("maintenance_pieces_total", ["task"], "files merged, days sealed, objects collected or found again");
    MAINTENANCE_DURATION: Histogram<1> = Histogram::new("maintenance_duration_seconds", ["task"], "how long a task took");

    NEWEST_SNAPSHOT: Gauge<4> = Gauge::new(
        "newest_snapshot_timestamp_seconds",
        ["venue", "asset", "fiat", "trade_type"],
        "when the newest snapshot of a market was taken, in seconds since 1970",
    )
    .detail();
    MARKET_COMPLETENESS: Gauge<4> = Gauge::new(
        "market_completeness_ratio",
        ["venue", "asset", "fiat", "trade_type"],
        "offers in the newest snapshot of those that the venue announced",
    )
    .detail();
    MARKET_OFFERS: Gauge<4> =
        Gauge::new("market_offers", ["venue", "asset", "fiat", "trade_type"], "offers in the newest snapshot").detail();
    MARKET_PRICE: Gauge<4> = Gauge::new(
        "market_best_price",
        ["venue", "asset", "fiat", "trade_type"],
        "best price for who takes, in the newest snapshot; for charts, not for sums: it is a floating-point number here",
    )
    .detail();
    ARBITRAGE: Gauge<1> = Gauge::new(
        "active_arbitrage_opportunities",
        ["kind"],
        "pairs of newest offers that pay after fees",
    )
    .detail();

    STORE_DURATION: Histogram<1> =
        Histogram::new("store_operation_duration_seconds", ["operation"], "how long the object store took for an operation").detail();
    STORE_FAILURES: Counter<1> = Counter::new(
        "store_operation_failures_total",
        ["operation"],
        "operations that the object store failed; that nothing is there, or something is there already, is no failure",
    );
    LEDGER_DURATION: Histogram<1> =
        Histogram::new("ledger_operation_duration_seconds", ["operation"], "how long the ledger took for an operation").detail();
    LEDGER_FAILURES: Counter<1> =
        Counter::new("ledger_operation_failures_total", ["operation"], "operations that the ledger failed");

    HTTP_REQUESTS: Counter<3> =
        Counter::new("http_requests_total", ["route", "method", "status"], "requests answered").detail();
    HTTP_DURATION: Histogram<2> =
        Histogram::new("http_request_duration_seconds", ["route", "method"], "how long answers took, until their head").detail();
    CACHE_HITS: Counter<1> = Counter::new("cache_hits_total", ["cache"], "answers found that were given before");
    CACHE_MISSES: Counter<1> = Counter::new("cache_misses_total", ["cache"], "answers that had to be made");
    REQUESTS_SHED: Counter<1> = Counter::new("requests_shed_total", ["why"], "requests refused because there were too many");
}
