//! The planner takes each raw object from exactly one file, whatever is lying about.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use cauce_model::RawId;
use cauce_tables::{Cover, CoveredObject, Days, PlanError, Planner, Table, Take, Zone};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use parquet::{arrow::ArrowWriter, file::metadata::KeyValue, file::properties::WriterProperties};

fn id(name: &str) -> RawId {
    RawId::new("binance_p2p", "market_snapshot", "2026-03-01".parse().unwrap(), "run", name).unwrap()
}

/// A file with so many rows of each object, in their order.
async fn put(store: &Arc<dyn ObjectStore>, path: &str, objects: &[(&str, i32, u32)]) {
    let mut next = 0;
    let covered = objects.iter().map(|(name, version, rows)| {
        let mut object = CoveredObject::without_rows(id(name), *version);
        if *rows > 0 {
            object.add_rows(next, *rows);
        }
        next += rows;
        object
    });
    let cover = Cover { objects: covered.collect() };
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..i32::try_from(next).unwrap()));
    let entry = KeyValue::new("cauce.cover".to_owned(), serde_json::to_string(&cover).unwrap());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties)).unwrap();
    writer.write(&RecordBatch::try_new(schema, vec![numbers]).unwrap()).unwrap();
    writer.close().unwrap();
    store.put(&Path::from(path), bytes.into()).await.unwrap();
}

/// What a reader reads: file name and its rows.
async fn plan(store: &Arc<dyn ObjectStore>) -> Vec<(String, Zone, Take)> {
    let plan = Planner::new(Arc::clone(store)).plan(Table::FactOffers, Days::ALL).await.unwrap();
    plan.iter()
        .map(|file| (file.meta.location.filename().unwrap().to_owned(), file.zone, file.rows.clone()))
        .collect()
}

fn store() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

const HOT: &str = "hot/fact_offers/date=2026-03-01";
const SEALED: &str = "tables/fact_offers/date=2026-03-01";

#[tokio::test]
async fn an_object_in_two_hot_files_is_read_from_one_and_the_rest_of_the_other_is_kept() {
    let store = store();
    put(&store, &format!("{HOT}/a.parquet"), &[("one", 1, 3), ("two", 1, 4)]).await;
    put(&store, &format!("{HOT}/b.parquet"), &[("two", 1, 4), ("three", 1, 5)]).await;
    let expected = [
        ("a.parquet".to_owned(), Zone::Hot, Take::All),
        ("b.parquet".to_owned(), Zone::Hot, Take::Ranges { ranges: vec![(4, 5)], of: 9 }),
    ];
    assert_eq!(plan(&store).await, expected, "of equal versions the smallest name");
}

#[tokio::test]
async fn newer_rules_win_also_where_they_give_no_row() {
    let store = store();
    put(&store, &format!("{HOT}/a.parquet"), &[("one", 1, 3), ("two", 1, 4)]).await;
    put(&store, &format!("{HOT}/b.parquet"), &[("one", 2, 2)]).await;
    put(&store, &format!("{HOT}/c.parquet"), &[("two", 2, 0)]).await;
    assert_eq!(plan(&store).await, [("b.parquet".to_owned(), Zone::Hot, Take::All)]);
}

#[tokio::test]
async fn a_seal_wins_over_every_hot_file_and_is_never_read_in_part() {
    let store = store();
    put(&store, &format!("{HOT}/a.parquet"), &[("one", 2, 3), ("late", 1, 4)]).await;
    put(&store, &format!("{SEALED}/seal-1.parquet"), &[("one", 1, 3), ("two", 1, 4)]).await;
    let expected = [
        ("seal-1.parquet".to_owned(), Zone::Sealed, Take::All),
        ("a.parquet".to_owned(), Zone::Hot, Take::Ranges { ranges: vec![(3, 4)], of: 7 }),
    ];
    assert_eq!(plan(&store).await, expected);
}

#[tokio::test]
async fn two_seals_of_one_object_are_an_error_and_not_rows_twice() {
    let store = store();
    put(&store, &format!("{HOT}/a.parquet"), &[("late", 1, 1)]).await;
    put(&store, &format!("{SEALED}/seal-1.parquet"), &[("one", 1, 3)]).await;
    put(&store, &format!("{SEALED}/seal-2.parquet"), &[("one", 1, 3), ("two", 1, 4)]).await;
    let refused = Planner::new(store).plan(Table::FactOffers, Days::ALL).await.unwrap_err();
    assert!(matches!(refused, PlanError::Overlap { .. }), "{refused}");
}

#[tokio::test]
async fn days_that_are_not_wanted_are_not_even_listed() {
    let store = store();
    put(&store, &format!("{HOT}/a.parquet"), &[("one", 1, 3)]).await;
    store
        .put(&Path::from("hot/fact_offers/date=2026-03-02/broken.parquet"), "not parquet".into())
        .await
        .unwrap();
    store.put(&Path::from(format!("{HOT}/notes.txt")), "not a table's".into()).await.unwrap();
    let planner = Planner::new(Arc::clone(&store));
    let first = Days { first: None, last: Some("2026-03-01".parse().unwrap()) };
    let files = planner.census(Table::FactOffers, first).await.unwrap();
    let covered: Vec<_> = files.iter().flat_map(|file| file.covers()).map(|object| &object.raw_id).collect();
    assert_eq!(covered, [&id("one")]);
    let all = planner.plan(Table::FactOffers, Days::ALL).await;
    assert!(
        matches!(all, Err(PlanError::File { .. })),
        "a broken file is no reason to leave rows out: {all:?}"
    );
}

#[tokio::test]
async fn parquet_that_says_no_cover_is_refused() {
    let store = store();
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
    let mut bytes = Vec::new();
    ArrowWriter::try_new(&mut bytes, schema, None).unwrap().close().unwrap();
    store.put(&Path::from(format!("{HOT}/foreign.parquet")), bytes.into()).await.unwrap();
    let refused = Planner::new(store).plan(Table::FactOffers, Days::ALL).await.unwrap_err();
    assert!(refused.to_string().contains("not written by cauce"), "{refused}");
}

#[tokio::test]
async fn footers_of_the_first_hot_files_are_still_read() {
    let store = store();
    let cover = r#"{"objects":[{"raw_id":"binance_p2p/market_snapshot/2026-03-01/run/one","version":1,"rows":[[0,2],[2,1]]}]}"#;
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
    let entry = KeyValue::new("cauce.cover".to_owned(), cover.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties)).unwrap();
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    writer.write(&RecordBatch::try_new(schema, vec![numbers]).unwrap()).unwrap();
    writer.close().unwrap();
    store.put(&Path::from(format!("{HOT}/first.parquet")), bytes.into()).await.unwrap();
    let files = Planner::new(store).census(Table::FactOffers, Days::ALL).await.unwrap();
    assert_eq!(files[0].covers()[0].count, 3);
    assert_eq!(files[0].rows(), Some(Take::All));
}
