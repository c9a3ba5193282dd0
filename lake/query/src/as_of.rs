//! The past, in two senses: advertisers as they were at a time, and the lake as it was known at a time.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, plan_err},
    datasource::{ViewTable, provider_as_source},
    logical_expr::{LogicalPlanBuilder, cast},
    prelude::{coalesce, col, lit},
};

/// A table with only the rows that the lake had by a time: whose raw object it had received or, of an event in a model's
/// words, the model's answer. Rows that don't say when are older than the column, and are in it.
pub(crate) fn received_by(table: Arc<dyn TableProvider>, time: DateTime<Utc>) -> Result<ViewTable> {
    let time = ScalarValue::TimestampMicrosecond(Some(time.timestamp_micros()), Some("UTC".into()));
    let has_answers = table.schema().field_with_name("normalized_at").is_ok();
    let mut since = vec![col("received_at")];
    if has_answers {
        since.insert(0, col("normalized_at"));
    }
    let since = coalesce(since);
    let known = since.clone().is_null().or(since.lt_eq(lit(time)));
    let plan =
        LogicalPlanBuilder::scan("observed", provider_as_source(table), None)?.filter(known)?.build()?;
    Ok(ViewTable::new(plan, None))
}

/// The function `advertisers_as_of(time)`, over `dim_advertisers`.
#[derive(Debug)]
pub(crate) struct AdvertisersAsOf(pub(crate) Arc<dyn TableProvider>);

impl TableFunctionImpl for AdvertisersAsOf {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let [time] = args.exprs() else {
            return plan_err!(
                "advertisers_as_of takes one time, such as advertisers_as_of('2026-03-01T12:00:00Z')"
            );
        };
        let time = cast(time.clone(), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        let holds = col("effective_date")
            .lt_eq(time.clone())
            .and(col("expiration_date").is_null().or(col("expiration_date").gt(time)));
        let plan =
            LogicalPlanBuilder::scan("dim_advertisers", provider_as_source(Arc::clone(&self.0)), None)?
                .filter(holds)?
                .build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}
