//! A lake in memory, with raw objects written by hand, and what readers see of it.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Decimal128Array, Int32Array, RecordBatch},
    datatypes::Decimal128Type,
};
use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::{Market, RawId, RunId, TradeType};
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use cauce_tables::{Cover, DayBatch, Days, Derived, HotFile, Input, Planner, Rows, Table, write};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use serde_json::{Value, json};

pub(crate) const FIATS: [&str; 2] = ["VES", "ARS"];

/// Rows of one raw object in one table, as text, in their order; and the rules that made them.
pub(crate) type Seen = BTreeMap<(Table, RawId), (i32, Vec<String>)>;

#[derive(Clone)]
pub(crate) struct TestLake {
    pub(crate) store: Arc<dyn ObjectStore>,
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn page(fiat: &str, number: i64) -> Value {
    // Every fourth ad is broken, so that the quarantine has rows, too.
    let ads = (0..5).map(|ad| {
        let price = if ad == 4 { "-1".to_owned() } else { format!("{}.{number:02}", 280 + ad) };
        json!({
            "adv": { "advNo": format!("{fiat}{ad}"), "tradeType": "SELL", "asset": "USDT", "fiatUnit": fiat,
                     "price": price, "surplusAmount": "500", "minSingleTransAmount": "10",
                     "maxSingleTransAmount": "5000", "tradeMethods": [{ "identifier": "PagoMovil" }] },
            "advertiser": { "userNo": format!("u{ad}"), "nickName": "Maker", "userType": "user",
                            "monthFinishRate": 0.9, "monthOrderCount": ad },
        })
    });
    json!({ "code": "000000", "data": ads.collect::<Vec<_>>(), "total": 5, "success": true })
}

/// An ad of a test, and who placed it: ads whose ids end in the same two digits are of one advertiser.
#[derive(Debug, Clone)]
pub(crate) struct TestAd {
    pub(crate) id: u32,
    pub(crate) price: u32,
    pub(crate) available: u32,
    pub(crate) nickname: String,
}

impl TestAd {
    fn json(&self) -> Value {
        let Self { id, price, available, nickname } = self;
        json!({
            "adv": { "advNo": id.to_string(), "tradeType": "SELL", "asset": "USDT", "fiatUnit": "VES",
                     "price": price.to_string(), "surplusAmount": available.to_string(),
                     "minSingleTransAmount": "10", "maxSingleTransAmount": "5000",
                     "tradeMethods": [{ "identifier": "PagoMovil" }] },
            "advertiser": { "userNo": format!("u{}", id % 100), "nickName": nickname, "userType": "user",
                            "monthFinishRate": 0.9, "monthOrderCount": 7 },
        })
    }
}

impl TestLake {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    pub(crate) fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    pub(crate) fn planner(&self) -> Planner {
        Planner::new(Arc::clone(&self.store))
    }

    pub(crate) fn raw(&self) -> RawZone {
        RawZone::new(Arc::clone(&self.store))
    }

    pub(crate) fn maintainer(&self, settings: MaintenanceSettings) -> Maintainer {
        Maintainer::new(Arc::clone(&self.store), self.planner(), settings)
    }

    /// Puts run `number` of a day into the raw zone: two markets, ten minutes after the run before.
    pub(crate) async fn scraped(&self, date: NaiveDate, number: i64) -> RawId {
        let taken = date.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::minutes(10 * number);
        let mut bundle = Bundle::new("binance_p2p", kind::MARKET_SNAPSHOT, date, &format!("run{number:04}"));
        for fiat in FIATS {
            let mut envelope = Envelope::bare(page(fiat, number).to_string().into_bytes(), taken);
            envelope.run_id = Some(RunId::starting(taken));
            envelope.page = Some(1);
            envelope.market = Some(Market {
                venue: "binance_p2p".parse().unwrap(),
                asset: "USDT".parse().unwrap(),
                fiat: fiat.parse().unwrap(),
                trade_type: TradeType::Buy,
            });
            bundle.push(&envelope).unwrap();
        }
        let object = bundle.seal("pages").unwrap();
        self.raw().put(&object).await.unwrap();
        object.id
    }

    /// Puts a snapshot of USDT / VES into the raw zone: these ads, of `announced` that the venue says it has.
    pub(crate) async fn shown(&self, taken: DateTime<Utc>, ads: &[TestAd], announced: usize) -> RawId {
        let name = taken.format("run%H%M%S").to_string();
        let mut bundle = Bundle::new("binance_p2p", kind::MARKET_SNAPSHOT, taken.date_naive(), &name);
        let data: Vec<Value> = ads.iter().map(TestAd::json).collect();
        let page = json!({ "code": "000000", "data": data, "total": announced, "success": true });
        let mut envelope = Envelope::bare(page.to_string().into_bytes(), taken);
        envelope.run_id = Some(RunId::starting(taken));
        envelope.page = Some(1);
        envelope.market = Some(Market {
            venue: "binance_p2p".parse().unwrap(),
            asset: "USDT".parse().unwrap(),
            fiat: "VES".parse().unwrap(),
            trade_type: TradeType::Buy,
        });
        bundle.push(&envelope).unwrap();
        let object = bundle.seal("pages").unwrap();
        self.raw().put(&object).await.unwrap();
        object.id
    }

    /// Rows of a derived table as text by column, in the order of its objects.
    pub(crate) async fn derived(&self, table: Derived) -> Vec<BTreeMap<String, String>> {
        let mut rows = Vec::new();
        for file in self.planner().derived(table, Days::ALL).await.unwrap() {
            rows.extend(texts(&rows_of(self, file.meta.location.as_ref()).await));
        }
        rows
    }

    /// The hot files of these raw objects, which must be of one day, in the order in which they must be stored.
    pub(crate) async fn hot_files(&self, ids: &[&RawId]) -> Vec<HotFile> {
        let mut batch = DayBatch::new(ids[0].date());
        for id in ids {
            batch.read(id, &self.raw().read(id).await.unwrap());
        }
        batch.finish().unwrap()
    }

    /// Normalizes these raw objects as one batch.
    pub(crate) async fn normalized(&self, ids: &[&RawId]) {
        for file in self.hot_files(ids).await {
            write(&self.store, &file).await.unwrap();
        }
    }

    /// What readers see, row by row; fails if a row is there twice or a file lies.
    pub(crate) async fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        for table in Table::ALL {
            let planner = self.planner();
            let files = planner.census(table, Days::ALL).await.unwrap();
            let inputs: Vec<Input> =
                files.iter().map(|file| Input::supplied_by(&planner, file, |_| true)).collect();
            for object in inputs.iter().flat_map(Input::objects) {
                let before =
                    seen.insert((table, object.raw_id.clone()), (object.normalizer_version, Vec::new()));
                assert!(before.is_none(), "{table} {} is supplied twice", object.raw_id);
            }
            let mut rows = Rows::open(table, &inputs).await.unwrap();
            while let Some(run) = rows.next().await.unwrap() {
                for row in texts(&run.rows) {
                    let id: RawId = row["raw_id"].parse().unwrap();
                    seen.get_mut(&(table, id)).unwrap().1.push(format!("{row:?}"));
                }
            }
        }
        seen
    }

    pub(crate) async fn files(&self, folder: &str) -> Vec<String> {
        use futures::TryStreamExt;
        let folder = object_store::path::Path::from(folder);
        let found: Vec<_> = self.store.list(Some(&folder)).try_collect().await.unwrap();
        let mut names: Vec<String> = found.into_iter().map(|meta| meta.location.to_string()).collect();
        names.sort();
        names
    }
}

/// Rows as text by column, without the version.
fn texts(rows: &arrow::array::RecordBatch) -> Vec<BTreeMap<String, String>> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("null");
    let schema = rows.schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .filter(|(field, _)| field.name() != "normalizer_version")
        .map(|(field, column)| {
            (field.name().clone(), ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        })
        .collect();
    let text = |row: usize| {
        columns.iter().map(|(name, column)| (name.clone(), column.value(row).to_string())).collect()
    };
    (0..rows.num_rows()).map(text).collect()
}

/// All rows of a file.
pub(crate) async fn rows_of(lake: &TestLake, path: &str) -> RecordBatch {
    let bytes = lake.store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let schema = builder.schema().clone();
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// Makes a seal what older rules, of version 0, would have made of the same raw objects: the same, or `otherwise` with
/// other prices, payment events that they did not understand, and one row less.
pub(crate) async fn made_by_older_rules(lake: &TestLake, path: &str, otherwise: bool) {
    let bytes = lake.store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut cover = Cover::from_footer(builder.metadata()).unwrap();
    let rows = rows_of(lake, path).await;
    let lost = rows.num_rows() - usize::from(otherwise);
    let last =
        rows.column_by_name("raw_id").unwrap().as_string::<i32>().value(rows.num_rows() - 1).to_owned();
    for object in &mut cover.objects {
        object.normalizer_version = 0;
        object.count -= u32::from(otherwise && object.raw_id.as_str() == last);
    }
    let rows = rows.slice(0, lost);
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| -> ArrayRef {
        match field.name().as_str() {
            "normalizer_version" => Arc::new(Int32Array::from(vec![0; rows.num_rows()])),
            "status_category" if otherwise => {
                Arc::new(arrow::array::StringArray::from(vec!["UNPROCESSED"; rows.num_rows()]))
            }
            "price" if otherwise => {
                let prices = column.as_primitive::<Decimal128Type>();
                let doubled: Decimal128Array =
                    prices.iter().map(|price| price.map(|price| price * 2)).collect();
                Arc::new(doubled.with_precision_and_scale(20, 8).unwrap())
            }
            _ => Arc::clone(column),
        }
    });
    let rows = RecordBatch::try_new(rows.schema(), columns.collect()).unwrap();
    let entry = KeyValue::new("cauce.cover".to_owned(), serde_json::to_string(&cover).unwrap());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    lake.store.put(&Path::from(path), bytes.into()).await.unwrap();
}

/// Takes from a file the columns that were added since: it is as a version before them wrote it.
pub(crate) async fn without_newer_columns(lake: &TestLake, path: &str, newer: &[&str]) {
    let bytes = lake.store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let footer = builder.metadata().file_metadata().key_value_metadata().cloned();
    let sorting = builder.metadata().row_group(0).sorting_columns().cloned();
    let rows = rows_of(lake, path).await;
    let schema = rows.schema();
    let kept: Vec<usize> = (0..rows.num_columns())
        .filter(|column| !newer.contains(&schema.field(*column).name().as_str()))
        .collect();
    assert_eq!(kept.len() + newer.len(), rows.num_columns());
    let rows = rows.project(&kept).unwrap();
    let properties =
        WriterProperties::builder().set_key_value_metadata(footer).set_sorting_columns(sorting).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    lake.store.put(&Path::from(path), bytes.into()).await.unwrap();
}

/// The same, whatever rules made it.
pub(crate) fn without_versions(seen: Seen) -> BTreeMap<(Table, RawId), Vec<String>> {
    seen.into_iter().map(|(key, (_, rows))| (key, rows)).collect()
}
