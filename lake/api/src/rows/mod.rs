//! What stands in the rows of answers: one struct per table, whose comments are the documentation of the API and the
//! `definitions` that every answer carries. The rows themselves come out of queries; a test holds both to each other.
#![allow(dead_code, reason = "they describe rows, and none is ever made")]

mod books;
mod history;
mod lists;
mod payments;
mod trades;

pub(crate) use books::*;
pub(crate) use history::*;
pub(crate) use lists::*;
pub(crate) use payments::*;
pub(crate) use trades::*;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// A decimal number as text, so that no reader rounds it.
pub(crate) struct Decimal;

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        let decimal = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^-?[0-9]+(\.[0-9]+)?$"));
        let described = decimal.description(Some("A decimal number as text, so that no reader rounds it."));
        RefOr::T(described.examples(["279.90200000"]).build().into())
    }
}

impl ToSchema for Decimal {}

/// A moment as text, in UTC.
pub(crate) struct Time;

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let time = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"));
        let described = time.description(Some("A moment in UTC (RFC 3339)."));
        RefOr::T(described.examples(["2026-03-01T10:30:00Z"]).build().into())
    }
}

impl ToSchema for Time {}
