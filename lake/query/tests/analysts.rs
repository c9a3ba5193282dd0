//! SQL of strangers: what it can't do, and what it can't use up.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

mod common;

use std::time::{Duration, Instant};

use cauce_query::{Analysts, QueryError, SqlLimits, SqlRefused, json_rows};
use futures::TryStreamExt;

async fn analysts(limits: SqlLimits) -> Analysts {
    Analysts::of(common::lake().await, limits)
}

async fn rows(analysts: &Analysts, question: &str) -> Result<usize, SqlRefused> {
    let answer = analysts.ask(question).await?;
    let batches: Vec<_> = answer.into_stream().try_collect().await?;
    Ok(json_rows(&batches).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reads_the_lake_is_answered() {
    let analysts = analysts(SqlLimits::default()).await;
    for question in [
        "SELECT count(*) FROM fact_offers",
        "SELECT venue, max(price) FROM fact_offers GROUP BY 1",
        "WITH a AS (SELECT price FROM fact_offers) SELECT * FROM a WHERE price > (SELECT avg(price) FROM a)",
        "SELECT table_name FROM information_schema.tables",
        "SHOW TABLES",
        "EXPLAIN SELECT * FROM fact_offers",
        "SELECT 1 AS one UNION ALL SELECT 2",
    ] {
        assert!(rows(&analysts, question).await.unwrap() > 0, "{question}");
    }
    assert_eq!(rows(&analysts, "SELECT * FROM fact_offers WHERE false").await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_more_than_read_the_lake_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.csv"), "a\n1\n").unwrap();
    let path = outside.path().join("secret.csv").display().to_string();
    let analysts = analysts(SqlLimits::default()).await;
    let tries = [
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "CREATE SCHEMA s".to_owned(),
        "CREATE DATABASE d".to_owned(),
        "CREATE FUNCTION f() RETURNS INT RETURN 1".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'"),
        "CREATE EXTERNAL TABLE t (a INT) STORED AS PARQUET LOCATION 's3://bucket/'".to_owned(),
        "DROP TABLE fact_offers".to_owned(),
        "DROP VIEW IF EXISTS current_offers".to_owned(),
        "ALTER TABLE fact_offers RENAME TO x".to_owned(),
        "TRUNCATE TABLE fact_offers".to_owned(),
        "INSERT INTO fact_offers SELECT * FROM fact_offers".to_owned(),
        "INSERT OVERWRITE fact_offers SELECT * FROM fact_offers".to_owned(),
        "UPDATE fact_offers SET price = 1".to_owned(),
        "DELETE FROM fact_offers".to_owned(),
        "MERGE INTO fact_offers USING fact_offers ON true WHEN MATCHED THEN DELETE".to_owned(),
        format!("COPY fact_offers TO '{path}.out' STORED AS CSV"),
        format!("COPY (SELECT 1) TO '{path}.out'"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        "SET TIME ZONE 'UTC'".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "EXECUTE p".to_owned(),
        "BEGIN".to_owned(),
        "COMMIT".to_owned(),
        "EXPLAIN ANALYZE INSERT INTO fact_offers SELECT * FROM fact_offers".to_owned(),
        "EXPLAIN CREATE TABLE t AS SELECT 1".to_owned(),
        format!("SELECT * FROM '{path}'"),
        format!("SELECT * FROM \"{path}\""),
        format!("SELECT * FROM read_csv('{path}')"),
        format!("SELECT * FROM read_parquet('{path}')"),
        format!("SELECT * FROM csv_scan('{path}')"),
        "SELECT * FROM 'https://example.com/x.parquet'".to_owned(),
        "SELECT read_file('/etc/passwd')".to_owned(),
        "SELECT getenv('HOME')".to_owned(),
        "SELECT load_extension('x')".to_owned(),
        "SELECT * FROM pg_catalog.pg_user".to_owned(),
        "SELECT * FROM generate_series(1, 1000000000000)".to_owned(),
        "SELECT range(0, 1000000000)".to_owned(),
        "SELECT repeat('x', 2000000000)".to_owned(),
        "SELECT lpad('x', 2000000000)".to_owned(),
        "SELECT replace('aa', 'a', 'bbbb')".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "SELECT 1; DROP TABLE fact_offers".to_owned(),
        "ATTACH 'x' AS y".to_owned(),
        "PRAGMA table_info('fact_offers')".to_owned(),
        "VACUUM".to_owned(),
        "KILL 1".to_owned(),
        String::new(),
        ";".to_owned(),
        "not sql at all".to_owned(),
        "SELECT \u{0} FROM fact_offers".to_owned(),
    ];
    let before = rows(&analysts, "SELECT * FROM fact_offers").await.unwrap();
    for question in &tries {
        match rows(&analysts, question).await {
            Err(SqlRefused::Query(QueryError::Refused(_))) => {}
            other => panic!("{question}: {other:?}"),
        }
    }
    assert_eq!(rows(&analysts, "SELECT * FROM fact_offers").await.unwrap(), before);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_questions_are_refused_and_do_not_end_the_process() {
    let analysts = analysts(SqlLimits::default()).await;
    let many = |part: &str, times: usize| part.repeat(times);
    for question in [
        format!("SELECT {}1", many("1+", 20_000)),
        format!("SELECT {}1", many("-", 30_000)),
        format!("SELECT {}1{}", many("(", 20_000), many(")", 20_000)),
        format!("SELECT {}true", many("NOT ", 10_000)),
        format!("SELECT 1 {}", many("UNION ALL SELECT 1 ", 3_000)),
        format!("SELECT {}1{}", many("abs(", 5_000), many(")", 5_000)),
        format!("SELECT now(){}", many(" AT TIME ZONE 'UTC'", 3_000)),
        format!("SELECT 'a'{}", many(" LIKE 'a'", 5_000)),
        format!(
            "SELECT * FROM {}(SELECT 1) z",
            (0..3_000).map(|n| format!("fact_offers a{n}, ")).collect::<String>()
        ),
        format!("SELECT {}", many("x", 70_000)),
    ] {
        let refused = rows(&analysts, &question).await;
        assert!(
            matches!(refused, Err(SqlRefused::Query(QueryError::Refused(_)))),
            "{question:.60}: {refused:?}"
        );
    }
    let wide = (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(
        rows(&analysts, &format!("SELECT count(*) FROM fact_offers WHERE rank IN ({wide})")).await.unwrap(),
        1
    );
    let nearly = format!("SELECT {}1", many("1+", 490));
    assert_eq!(rows(&analysts, &nearly).await.unwrap(), 1, "what is not refused is answered");
}

/// Hours of work in one line.
const ENDLESS: &str = "SELECT count(*) FROM fact_offers a, fact_offers b, fact_offers c, fact_offers d, fact_offers e, \
                       fact_offers f WHERE a.price + b.price + c.price + d.price + e.price + f.price = 0.5";

#[tokio::test(flavor = "multi_thread")]
async fn time_rows_and_turns_are_limited_and_dropping_stops() {
    let limits = SqlLimits { time: Duration::from_secs(2), rows: 10, at_once: 1, ..SqlLimits::default() };
    let analysts = analysts(limits).await;
    rows(&analysts, "SELECT 1").await.unwrap();
    let begun = Instant::now();
    assert!(matches!(rows(&analysts, ENDLESS).await, Err(SqlRefused::TooLong { .. })));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let many = "SELECT a.price FROM fact_offers a, fact_offers b";
    assert!(matches!(rows(&analysts, many).await, Err(SqlRefused::TooManyRows { limit: 10 })));
    let mut asking = Box::pin(rows(&analysts, ENDLESS));
    let first = tokio::time::timeout(Duration::from_millis(300), &mut asking).await;
    assert!(first.is_err(), "it is still being answered");
    assert!(matches!(rows(&analysts, "SELECT 1").await, Err(SqlRefused::Busy { at_once: 1 })));
    drop(asking);
    assert_eq!(rows(&analysts, "SELECT 1").await.unwrap(), 1, "who goes gives the turn back");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_on_loses_the_turn_when_the_time_is_over() {
    let limits = SqlLimits { time: Duration::from_secs(2), at_once: 1, ..SqlLimits::default() };
    let analysts = analysts(limits).await;
    let mut unread = analysts.ask("SELECT price FROM fact_offers").await.unwrap();
    assert!(matches!(rows(&analysts, "SELECT 1").await, Err(SqlRefused::Busy { at_once: 1 })));
    let begun = Instant::now();
    while let Err(refused) = rows(&analysts, "SELECT 1").await {
        assert!(matches!(refused, SqlRefused::Busy { .. }), "{refused}");
        assert!(begun.elapsed() < Duration::from_secs(30), "it is never given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(unread.next().await, Some(Err(SqlRefused::TooLong { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited() {
    let limits = SqlLimits { memory: 64 << 10, ..SqlLimits::default() };
    let analysts = analysts(limits).await;
    let hungry = "SELECT a.advertiser_sk, b.nickname, a.terms_conditions, count(*) FROM fact_offers a, fact_offers b, \
                  (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) AS c(n), (VALUES (1), (2), (3), (4), (5), (6), (7), (8)) AS d(m) \
                  GROUP BY 1, 2, 3, n, m ORDER BY 4";
    let refused = rows(&analysts, hungry).await;
    assert!(matches!(refused, Err(SqlRefused::TooMuchMemory(_))), "{refused:?}");
    assert_eq!(rows(&analysts, "SELECT 1").await.unwrap(), 1, "others go on");
}
