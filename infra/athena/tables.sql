-- The lake's tables for Athena: sealed days, and what is derived. Days are projected, so no crawler is needed and no
-- partition has to be added. Replace s3://BUCKET/PREFIX by the lake's place, and run each statement by itself.
-- docs/reading-the-lake.md says what is where; a test keeps this file and the tables the same.

CREATE DATABASE IF NOT EXISTS cauce;

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_offers (
  `batch_id` string,
  `snapshot_id` string,
  `extraction_timestamp` timestamp,
  `venue` string,
  `crypto` string,
  `fiat` string,
  `trade_type` string,
  `maker_side` string,
  `offer_external_id` string,
  `advertiser_id` string,
  `advertiser_sk` string,
  `nickname` string,
  `user_grade` int,
  `registration_days` int,
  `is_merchant` boolean,
  `price` decimal(20,8),
  `price_float_rate` decimal(10,6),
  `available_amount` decimal(20,8),
  `tradable_quantity` decimal(20,8),
  `min_limit` decimal(20,8),
  `max_limit` decimal(20,8),
  `completion_rate` decimal(10,6),
  `positive_rate` decimal(10,6),
  `total_orders_count` int,
  `avg_response_time_seconds` int,
  `avg_completion_time_minutes` int,
  `payment_time_limit_minutes` int,
  `payment_methods` array<string>,
  `terms_conditions` string,
  `is_available` boolean,
  `is_promoted` boolean,
  `rank` int,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_offers/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/fact_offers/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_market_depth (
  `batch_id` string,
  `snapshot_id` string,
  `extraction_timestamp` timestamp,
  `venue` string,
  `crypto` string,
  `fiat` string,
  `trade_type` string,
  `total_offers_count` int,
  `offers_announced` int,
  `pages_announced` int,
  `pages_received` int,
  `is_complete` boolean,
  `total_available_volume` decimal(38,8),
  `weighted_avg_price` decimal(20,8),
  `median_price` decimal(20,8),
  `min_price` decimal(20,8),
  `max_price` decimal(20,8),
  `price_std_dev` decimal(20,8),
  `sum_price` decimal(38,8),
  `sum_price_sq` decimal(38,16),
  `top10_total_volume` decimal(38,8),
  `top10_avg_price` decimal(20,8),
  `merchant_best_price` decimal(20,8),
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_market_depth/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/fact_market_depth/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_data_quality (
  `batch_id` string,
  `snapshot_id` string,
  `check_timestamp` timestamp,
  `venue` string,
  `crypto` string,
  `fiat` string,
  `trade_type` string,
  `metric_name` string,
  `metric_value` double,
  `threshold_value` double,
  `passed` boolean,
  `details` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_data_quality/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_data_quality/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.quarantine (
  `quarantined_at` timestamp,
  `source` string,
  `raw_key` string,
  `rule` string,
  `reason` string,
  `record` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/quarantine/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/quarantine/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_batch_runs (
  `batch_id` string,
  `job` string,
  `batch_start_time` timestamp,
  `batch_end_time` timestamp,
  `status` string,
  `total_fiats_processed` int,
  `total_markets` int,
  `total_offers_extracted` bigint,
  `total_offers_inserted` bigint,
  `total_offers_updated` bigint,
  `total_errors` int,
  `error_summary` string,
  `execution_time_seconds` double,
  `offers_announced` bigint,
  `pages_announced` bigint,
  `pages_received` bigint,
  `markets_truncated` int,
  `markets_empty` int,
  `markets_failed` int,
  `trace_id` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_batch_runs/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_batch_runs/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_extraction_errors (
  `batch_id` string,
  `error_timestamp` timestamp,
  `venue` string,
  `fiat_code` string,
  `crypto_symbol` string,
  `trade_type` string,
  `page_number` int,
  `account_id` string,
  `error_type` string,
  `error_message` string,
  `retry_count` int,
  `is_resolved` boolean,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_extraction_errors/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_extraction_errors/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_payment_events (
  `event_id` string,
  `provider` string,
  `provider_event_id` string,
  `provider_payment_id` string,
  `provider_operation_id` string,
  `provider_reference` string,
  `merchant_id` string,
  `merchant_name` string,
  `country` string,
  `event_type` string,
  `status_category` string,
  `failure_reason` string,
  `provider_event_type` string,
  `provider_status` string,
  `provider_code` string,
  `provider_message` string,
  `payment_method` string,
  `card_brand` string,
  `amount_minor` bigint,
  `currency` string,
  `authorized_minor` bigint,
  `captured_minor` bigint,
  `refunded_minor` bigint,
  `disputed_minor` bigint,
  `occurred_at` timestamp,
  `latency_ms` bigint,
  `normalization_method` string,
  `confidence_score` decimal(10,6),
  `signature` string,
  `identity` string,
  `metadata` string,
  `record` int,
  `normalized_at` timestamp,
  `attempts` int,
  `other_payment_ids` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_payment_events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/fact_payment_events/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_fx_rates (
  `rate_date` date,
  `currency` string,
  `per_usd` decimal(20,8),
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_fx_rates/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/fact_fx_rates/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.trade_observations (
  `account_id` string,
  `broker` string,
  `layout` string,
  `trade_external_id` string,
  `order_id` string,
  `position_id` string,
  `symbol` string,
  `base` string,
  `quote` string,
  `side` string,
  `effect` string,
  `quantity` decimal(38,18),
  `price` decimal(38,18),
  `multiplier` decimal(38,18),
  `is_inverse` boolean,
  `fee` decimal(38,18),
  `fee_asset` string,
  `more_fees` string,
  `swap` decimal(38,18),
  `taxes` decimal(38,18),
  `reported_pnl` decimal(38,18),
  `pnl_currency` string,
  `executed_at` timestamp,
  `is_date_only` boolean,
  `source_time_zone` string,
  `market` string,
  `position_side` string,
  `broker_account` string,
  `sequence` int,
  `record` int,
  `part` int,
  `source_hash` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/trade_observations/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/trade_observations/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_account_results (
  `batch_id` string,
  `run_start_time` timestamp,
  `account_id` string,
  `status` string,
  `trades` int,
  `duplicates` int,
  `rejected` int,
  `skipped` int,
  `error` string,
  `duration_ms` int,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_account_results/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_account_results/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_deliveries (
  `batch_id` string,
  `run_start_time` timestamp,
  `sink` string,
  `delivery_id` string,
  `status` string,
  `trades` int,
  `created` int,
  `duplicates` int,
  `rejected` int,
  `rejections` string,
  `attempt` int,
  `http_status` int,
  `error` string,
  `duration_ms` int,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_deliveries/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_deliveries/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.dim_advertisers (
  `advertiser_sk` string,
  `venue` string,
  `advertiser_id` string,
  `nickname` string,
  `is_merchant` boolean,
  `registration_days` int,
  `user_grade` int,
  `effective_date` timestamp,
  `expiration_date` timestamp,
  `is_current` boolean
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/dim_advertisers/';

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_offer_changes (
  `snapshot_id` string,
  `changed_at` timestamp,
  `previous_at` timestamp,
  `venue` string,
  `crypto` string,
  `fiat` string,
  `trade_type` string,
  `offer_external_id` string,
  `advertiser_id` string,
  `change` string,
  `old_price` decimal(20,8),
  `new_price` decimal(20,8),
  `old_available_amount` decimal(20,8),
  `new_available_amount` decimal(20,8),
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_offer_changes/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/fact_offer_changes/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.ops_derived_quality (
  `batch_id` string,
  `snapshot_id` string,
  `check_timestamp` timestamp,
  `venue` string,
  `crypto` string,
  `fiat` string,
  `trade_type` string,
  `metric_name` string,
  `metric_value` double,
  `threshold_value` double,
  `passed` boolean,
  `details` string,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int,
  `received_at` timestamp
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/ops_derived_quality/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/ops_derived_quality/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.payments (
  `provider` string,
  `provider_payment_id` string,
  `provider_reference` string,
  `merchant_id` string,
  `country` string,
  `payment_method` string,
  `card_brand` string,
  `status_category` string,
  `failure_reason` string,
  `currency` string,
  `authorized_minor` bigint,
  `captured_minor` bigint,
  `refunded_minor` bigint,
  `disputed_minor` bigint,
  `first_event_at` timestamp,
  `last_event_at` timestamp,
  `events` int,
  `flags` string,
  `identity` string,
  `last_day` date,
  `other_payment_ids` string
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/payments/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2022-01-01,NOW',
  'storage.location.template' = 's3://BUCKET/PREFIX/tables/payments/date=${date}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_trades (
  `account_id` string,
  `broker` string,
  `layout` string,
  `trade_external_id` string,
  `order_id` string,
  `position_id` string,
  `symbol` string,
  `base` string,
  `quote` string,
  `side` string,
  `effect` string,
  `quantity` decimal(38,18),
  `price` decimal(38,18),
  `multiplier` decimal(38,18),
  `is_inverse` boolean,
  `fee` decimal(38,18),
  `fee_asset` string,
  `more_fees` string,
  `swap` decimal(38,18),
  `taxes` decimal(38,18),
  `reported_pnl` decimal(38,18),
  `pnl_currency` string,
  `executed_at` timestamp,
  `is_date_only` boolean,
  `source_time_zone` string,
  `market` string,
  `position_side` string,
  `broker_account` string,
  `sequence` int,
  `record` int,
  `part` int,
  `occurrence` int,
  `observations` int,
  `raw_id` string,
  `raw_pos` int,
  `normalizer_version` int
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_trades/';

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_positions (
  `account_id` string,
  `symbol` string,
  `market` string,
  `broker_account` string,
  `position_id` string,
  `direction` string,
  `opened_at` timestamp,
  `closed_at` timestamp,
  `duration_seconds` bigint,
  `quantity` decimal(38,18),
  `entry_price` decimal(38,18),
  `exit_price` decimal(38,18),
  `fees` decimal(38,18),
  `swap` decimal(38,18),
  `taxes` decimal(38,18),
  `gross_pnl` decimal(38,18),
  `net_pnl` decimal(38,18),
  `method` string,
  `pnl_currency` string,
  `reported_pnl` decimal(38,18),
  `pnl_difference` decimal(38,18),
  `trade_external_id` string,
  `lots` int,
  `closing_order` bigint
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_positions/';

CREATE EXTERNAL TABLE IF NOT EXISTS cauce.fact_trade_stats (
  `account_id` string,
  `method` string,
  `currency` string,
  `symbol` string,
  `direction` string,
  `period` string,
  `period_start` timestamp,
  `definition_version` int,
  `trades` int,
  `unvalued` int,
  `wins` int,
  `losses` int,
  `breakeven` int,
  `win_rate` decimal(10,6),
  `net_profit` decimal(38,18),
  `gross_profit` decimal(38,18),
  `gross_loss` decimal(38,18),
  `fees` decimal(38,18),
  `swap` decimal(38,18),
  `taxes` decimal(38,18),
  `profit_factor` decimal(38,18),
  `expectancy` decimal(38,18),
  `expectancy_ratio` decimal(38,18),
  `average_win` decimal(38,18),
  `average_loss` decimal(38,18),
  `payoff_ratio` decimal(38,18),
  `largest_win` decimal(38,18),
  `largest_loss` decimal(38,18),
  `max_drawdown` decimal(38,18),
  `max_drawdown_share` decimal(38,18),
  `max_drawdown_peak_at` timestamp,
  `max_drawdown_trough_at` timestamp,
  `max_drawdown_recovered_at` timestamp,
  `max_relative_drawdown` decimal(38,18),
  `max_relative_drawdown_share` decimal(38,18),
  `max_relative_drawdown_peak_at` timestamp,
  `max_relative_drawdown_trough_at` timestamp,
  `max_relative_drawdown_recovered_at` timestamp,
  `sharpe` decimal(38,18),
  `sortino` decimal(38,18),
  `days_per_year` int,
  `average_holding_seconds` bigint,
  `median_holding_seconds` bigint,
  `longest_holding_seconds` bigint,
  `longest_win_streak` int,
  `longest_loss_streak` int,
  `metatrader_profit_trades` int,
  `metatrader_loss_trades` int,
  `first_closed_at` timestamp,
  `last_closed_at` timestamp
)
STORED AS PARQUET
LOCATION 's3://BUCKET/PREFIX/tables/fact_trade_stats/';
