//! Answers that are tables: in the format that is asked for, with a tag by which who has them already is told so, kept for
//! who asks again, and page by page where they are long.

mod cursor;
mod kept;
mod negotiation;

use std::{future::Future, sync::LazyLock, time::UNIX_EPOCH};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::max,
    datatypes::TimestampMicrosecondType,
};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use cauce_query::{Format, Lake, List, Reads, json_rows};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use kept::KeptAnswer;
pub use kept::KeptAnswers;
pub(crate) use negotiation::format_of;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema,
    openapi::{RefOr, schema::Schema},
};

pub use self::kept::LargeAnswers;
use crate::{
    Api, ApiError,
    access::SCOPE,
    internal,
    params::{FormParams, PageParams},
};

/// What an answer follows from.
#[derive(Debug)]
pub(crate) struct Basis {
    /// The question, with every relative time resolved: equal texts have equal answers while the files stay.
    pub(crate) question: String,
    /// The rows that it is made from.
    pub(crate) reads: Vec<Reads>,
    /// The last moment that it is about.
    pub(crate) until: DateTime<Utc>,
}

/// A table, and what is said about it.
#[derive(Debug)]
pub(crate) struct Rows {
    list: &'static str,
    batches: Vec<RecordBatch>,
    nested: Option<Vec<Value>>,
    newest: &'static str,
    next: Option<String>,
    also: Map<String, Value>,
    definitions: Map<String, Value>,
}

impl Rows {
    /// Rows as the list `list` of the answer; `T` documents their columns.
    pub(crate) fn of<T: PartialSchema>(list: &'static str, batches: Vec<RecordBatch>) -> Self {
        let (next, also, nested) = (None, Map::new(), None);
        Self { list, batches, nested, newest: "taken_at", next, also, definitions: definitions::<T>() }
    }

    /// Names the column with the time of each row, which is `taken_at` else.
    pub(crate) fn timed_by(self, newest: &'static str) -> Self {
        Self { newest, ..self }
    }

    /// More members of the JSON object.
    pub(crate) fn with(mut self, also: &[(&str, Value)]) -> Self {
        self.also.extend(also.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self
    }

    /// What the list is in JSON, where that is no table.
    pub(crate) fn nested(self, rows: Vec<Value>) -> Self {
        Self { nested: Some(rows), ..self }
    }

    fn newest_at(&self) -> Option<DateTime<Utc>> {
        let of = |batch: &RecordBatch| {
            let times = batch.column_by_name(self.newest)?;
            max(times.as_primitive_opt::<TimestampMicrosecondType>()?)
        };
        self.batches.iter().filter_map(of).max().and_then(DateTime::from_timestamp_micros)
    }

    /// How many rows are gaps, and how many others are not complete; none where the rows don't say.
    fn gaps_and_incomplete(&self) -> (Option<usize>, Option<usize>) {
        let sides = |batch: &RecordBatch| {
            let answers = |column: &str| batch.column_by_name(column)?.as_boolean_opt().cloned();
            let (gaps, complete) = (answers("gap"), answers("is_complete"));
            let is_gap = |row: usize| gaps.as_ref().is_some_and(|gaps| gaps.value(row));
            let counted = gaps.as_ref().map(|gaps| gaps.true_count());
            let incomplete = complete.map(|complete| {
                (0..batch.num_rows()).filter(|row| !is_gap(*row) && !complete.value(*row)).count()
            });
            (counted, incomplete)
        };
        let found: Vec<_> = self.batches.iter().map(sides).collect();
        (found.iter().map(|found| found.0).sum(), found.iter().map(|found| found.1).sum())
    }

    fn about(&self) -> Map<String, Value> {
        let (gaps, incomplete) = self.gaps_and_incomplete();
        let newest_at = self.newest_at().map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let about = json!({
            "newest_at": newest_at,
            "is_complete": incomplete.map(|incomplete| incomplete == 0),
            "gaps": gaps,
        });
        match about {
            Value::Object(about) => about,
            _ => Map::new(),
        }
    }

    fn write(self, format: Format) -> Result<KeptAnswer, ApiError> {
        let about = self.about();
        let mut headers = HeaderMap::new();
        let text = |text: &str| HeaderValue::from_str(text).map_err(internal);
        let body = if format == Format::Json {
            let mut object = about;
            object.extend(self.also);
            let rows = self
                .nested
                .unwrap_or_else(|| json_rows(&self.batches).into_iter().map(Value::Object).collect());
            object.insert(self.list.to_owned(), Value::Array(rows));
            if let Some(next) = self.next {
                object.insert("next".to_owned(), next.into());
            }
            object.insert("definitions".to_owned(), Value::Object(self.definitions));
            serde_json::to_vec(&object).map_err(internal)?
        } else {
            for (name, value) in &about {
                let name = HeaderName::from_bytes(format!("cauce-{}", name.replace('_', "-")).as_bytes());
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                headers.insert(name.map_err(internal)?, text(&value)?);
            }
            if let Some(next) = &self.next {
                headers.insert(HeaderName::from_static("cauce-next"), text(next)?);
            }
            let file = format!("attachment; filename=\"{}.{}\"", self.list, format.name());
            headers.insert(header::CONTENT_DISPOSITION, text(&file)?);
            format.encode(&self.batches).map_err(internal)?
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        Ok(KeptAnswer { headers, body: Bytes::from(body) })
    }
}

/// What each column of a row is: the comments of the struct that documents it.
fn definitions<T: PartialSchema>() -> Map<String, Value> {
    let RefOr::T(Schema::Object(object)) = T::schema() else { return Map::new() };
    let described = |(name, property)| Some((name, words(property)?.replace('\n', " ").into()));
    object.properties.into_iter().filter_map(described).collect()
}

fn words(property: RefOr<Schema>) -> Option<String> {
    match property {
        RefOr::T(Schema::Object(property)) => property.description,
        RefOr::T(Schema::Array(property)) => property.description,
        RefOr::Ref(reference) => Some(reference.description).filter(|words| !words.is_empty()),
        // A type that may be null is one of two.
        RefOr::T(Schema::OneOf(property)) => {
            property.description.or_else(|| property.items.into_iter().find_map(words))
        }
        RefOr::T(_) => None,
    }
}

/// Answers in the format that is asked for; who has the answer is told so without making it again.
pub(crate) async fn answer(
    api: &Api,
    headers: &HeaderMap,
    format: Option<Format>,
    basis: &Basis,
    rows: impl Future<Output = Result<Rows, ApiError>>,
) -> Result<Response, ApiError> {
    let format = negotiation::format_of(headers, format)?;
    let made = Box::pin(async { rows.await?.write(format) });
    kept_or_made(api, headers, format, basis, made).await
}

/// The same for what is no table and has one form: JSON.
pub(crate) async fn answer_json<T: Serialize>(
    api: &Api,
    headers: &HeaderMap,
    basis: &Basis,
    value: impl Future<Output = Result<T, ApiError>>,
) -> Result<Response, ApiError> {
    let made = async {
        let body = Bytes::from(serde_json::to_vec(&value.await?).map_err(internal)?);
        let content_type = HeaderValue::from_static(Format::Json.content_type());
        Ok(KeptAnswer { headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]), body })
    };
    kept_or_made(api, headers, Format::Json, basis, Box::pin(made)).await
}

async fn kept_or_made(
    api: &Api,
    headers: &HeaderMap,
    format: Format,
    basis: &Basis,
    make: impl Future<Output = Result<KeptAnswer, ApiError>>,
) -> Result<Response, ApiError> {
    let tag = tag(&api.lake, headers, format, basis).await?;
    let quoted = format!("\"{tag}\"");
    let shared = [
        (header::ETAG, HeaderValue::from_str(&quoted).map_err(internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static(freshness(Utc::now() - basis.until))),
        (header::VARY, HeaderValue::from_static("accept, authorization")),
    ];
    if negotiation::has_already(headers, &quoted) {
        return Ok((StatusCode::NOT_MODIFIED, shared).into_response());
    }
    let kept = match api.kept.get(&tag) {
        Some(kept) => kept,
        None => {
            let made = make.await?;
            api.kept.keep(tag.clone(), made.clone());
            made
        }
    };
    if let Some(large) = api.large.as_ref().filter(|large| kept.body.len() > large.from) {
        let url = large.put(&tag, format, kept.body).await.map_err(internal)?;
        let location = HeaderValue::from_str(&url).map_err(internal)?;
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)], shared).into_response());
    }
    Ok((shared, kept.headers, kept.body).into_response())
}

/// A page of a list that is asked for.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    /// The list.
    pub(crate) list: &'a dyn List,
    /// What it is called in JSON.
    pub(crate) name: &'static str,
    /// The column with the time of each row.
    pub(crate) timed_by: &'static str,
    /// The last moment that it is about.
    pub(crate) until: DateTime<Utc>,
    pub(crate) form: &'a FormParams,
    pub(crate) at: &'a PageParams,
    /// What comes before the rows in JSON, and is in no file yet.
    pub(crate) before: Vec<Map<String, Value>>,
}

/// One page of a list.
pub(crate) async fn page<T: PartialSchema>(
    api: &Api,
    headers: &HeaderMap,
    listed: Listed<'_>,
) -> Result<Response, ApiError> {
    page_with::<T>(api, headers, listed, &[], |_| ()).await
}

/// The same with more members of the JSON object, and rows that are more in JSON than in a table.
pub(crate) async fn page_with<T: PartialSchema>(
    api: &Api,
    headers: &HeaderMap,
    Listed { list, name, timed_by, until, form, at, before }: Listed<'_>,
    also: &[(&str, Value)],
    in_json: impl Fn(&mut Map<String, Value>),
) -> Result<Response, ApiError> {
    let page = cursor::page(name, at.cursor.as_deref(), at.limit()?)?;
    let basis =
        Basis { question: format!("{list:?} {page:?} {also:?} {before:?}"), reads: list.reads(), until };
    let rows = async {
        let paged = api.lake.list(list, &page).await?;
        let next = paged.next.map(|keys| cursor::after(name, &keys));
        let rows = Rows { next, ..Rows::of::<T>(name, paged.rows).timed_by(timed_by).with(also) };
        if !is_json(headers, form.format)? {
            return Ok(rows);
        }
        let mut in_files = json_rows(&rows.batches);
        in_files.iter_mut().for_each(in_json);
        // A run's report may be in the lake a moment before its place among the running ones is cleared.
        let is_new = |row: &Map<String, Value>| {
            !in_files
                .iter()
                .any(|other| other.get("batch_id").is_some_and(|id| row.get("batch_id") == Some(id)))
        };
        let before: Vec<_> = before.iter().filter(|row| is_new(row)).cloned().collect();
        let nested = before.into_iter().chain(in_files).map(Value::Object).collect();
        Ok(rows.with(&[("next", Value::Null)]).nested(nested))
    };
    answer(api, headers, form.format, &basis, rows).await
}

/// Whether the answer will be JSON, whose lists may be no tables.
pub(crate) fn is_json(headers: &HeaderMap, format: Option<Format>) -> Result<bool, ApiError> {
    Ok(negotiation::format_of(headers, format)? == Format::Json)
}

/// A tag. The files are listed before the query runs: an answer may be newer than its tag, and never older, so who asks again
/// by it is told of the newer one.
async fn tag(lake: &Lake, headers: &HeaderMap, format: Format, basis: &Basis) -> Result<String, ApiError> {
    let files = lake.fingerprint(&basis.reads).await?;
    let scope = headers.get(SCOPE).map_or(&b""[..], |scope| scope.as_bytes());
    let mut hash = blake3::Hasher::new();
    for part in
        [BUILD.as_bytes(), scope, format.name().as_bytes(), basis.question.as_bytes(), files.as_bytes()]
    {
        hash.update(&part.len().to_le_bytes()).update(part);
    }
    Ok(hash.finalize().to_hex()[..32].to_owned())
}

/// This build: another one may write the same rows in another way.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let binary = std::env::current_exe().and_then(std::fs::metadata);
    let made = binary.and_then(|binary| Ok((binary.len(), binary.modified()?)));
    let made = made.map(|(length, at)| (length, at.duration_since(UNIX_EPOCH).unwrap_or_default()));
    format!("{} {made:?}", env!("CARGO_PKG_VERSION"))
});

/// How long an answer may be used without asking again, by the age of what it is about: late data, and replays, reach days
/// that are over less and less often.
fn freshness(age: TimeDelta) -> &'static str {
    match age {
        age if age < TimeDelta::hours(1) => "private, no-cache",
        age if age < TimeDelta::days(3) => "private, max-age=60",
        _ => "private, max-age=3600",
    }
}
