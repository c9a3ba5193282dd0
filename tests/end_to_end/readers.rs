//! The same lake read by DuckDB, Polars, pyarrow and Spark, by the recipes of docs/reading-the-lake.md. They are in the
//! Python that `CAUCE_READERS` names, or in the one that `.ci/run` prepares; without one the test says that it is skipped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{TestLake, run, sql};

fn python() -> Option<PathBuf> {
    let prepared = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/cauce/readers/bin/python"));
    std::env::var_os("CAUCE_READERS").map(PathBuf::from).or_else(prepared).filter(|python| python.exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tools_read_what_cauce_says() {
    let Some(python) = python() else {
        println!("skipped: no Python with duckdb, polars, pyarrow and pyspark; set CAUCE_READERS");
        return;
    };
    let lake = TestLake::new();
    let folder = lake.folder.path();
    for (number, day) in [(1, "2026-03-01"), (2, "2026-03-01"), (3, "2026-03-02"), (4, "2026-03-03")] {
        crate::upkeep::scraped(&lake, day.parse().unwrap(), number).await;
        lake.worker().drain(|_| ()).await.unwrap();
    }
    run(folder, &["seal", "--until", "2026-03-02"]);
    // The last day is in two hot files, one of which has also what the other has.
    let planner = cauce_tables::Planner::new(std::sync::Arc::clone(&lake.store));
    crate::upkeep::scraped(&lake, "2026-03-03".parse().unwrap(), 5).await;
    lake.worker().drain(|_| ()).await.unwrap();
    let settings = cauce_maintain::MaintenanceSettings::default();
    let maintainer = cauce_maintain::Maintainer::new(std::sync::Arc::clone(&lake.store), planner, settings);
    maintainer.merge(cauce_tables::Days::ALL).await.unwrap();
    assert_eq!(fs::read_dir(lake.path().join("hot/fact_offers/date=2026-03-03")).unwrap().count(), 3);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/end_to_end/readers.py");
    let output = Command::new(python).arg(script).arg(lake.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let ask = |days: &str| {
        let figures = format!(
            "SELECT count(*) AS rows, sum(price) AS prices, sum(available_amount) AS available, min(price) AS least,
                    max(price) AS most, sum(array_length(payment_methods)) AS methods FROM fact_offers {days}"
        );
        Value::Object(sql(folder, &figures).remove(0))
    };
    let (sealed, all) = (ask("WHERE date <= '2026-03-02'"), ask(""));
    assert_eq!((&sealed["rows"], &all["rows"]), (&90.into(), &150.into()));
    for reader in ["duckdb", "polars", "pyarrow", "spark"] {
        assert_eq!(read[reader], sealed, "{reader}");
    }
    assert_eq!(read["duckdb, unsealed days too"], all);
}
