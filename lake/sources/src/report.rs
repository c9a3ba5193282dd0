//! The report that closes a run: a raw object whose key is the run's id, so that there is one.

use cauce_ledger::{Jobs, Ledger};
use cauce_model::{ErrorType, RequestError, RunId, RunReport, RunStatus};
use cauce_raw::{Bundle, CAUCE, Envelope, Put, RawError, RawZone, kind};
use chrono::{DateTime, TimeDelta, Utc};

use crate::ScrapeError;

/// The object of a run's report, whose key is the run's id alone.
fn bundle_of(run_id: RunId) -> Bundle {
    Bundle::new(CAUCE, kind::RUN_REPORT, run_id.started_at().date_naive(), &run_id.to_string())
}

const NAME: &str = "report";

pub(crate) async fn put_report(raw: &RawZone, report: &RunReport) -> Result<Put, ScrapeError> {
    let mut bundle = bundle_of(report.run_id);
    let mut envelope = Envelope::bare(serde_json::to_vec(report)?, report.ended_at);
    envelope.run_id = Some(report.run_id);
    bundle.push(&envelope)?;
    Ok(raw.put(&bundle.seal_unique(NAME)?).await?)
}

/// The report of a run that has ended, as soon as it has: before it is a row of the lake.
pub async fn reported(raw: &RawZone, run_id: RunId) -> Result<Option<RunReport>, ScrapeError> {
    let id = bundle_of(run_id).seal_unique(NAME)?.id;
    let lines = match raw.read(&id).await {
        Ok(lines) => lines,
        Err(RawError::Store(object_store::Error::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let envelope =
        Envelope::read_line(lines.strip_suffix(b"\n").unwrap_or(&lines)).map_err(ScrapeError::Envelope)?;
    Ok(Some(serde_json::from_slice(envelope.body.bytes())?))
}

/// Closes every run that has shown no sign of life as failed: its report, unless it wrote one itself before it died,
/// and its place among the running jobs. Answers which.
pub async fn close_dead_runs(
    ledger: &dyn Ledger,
    raw: &RawZone,
    now: DateTime<Utc>,
) -> Result<Vec<RunId>, ScrapeError> {
    let mut closed = Vec::new();
    for job in Jobs::all(ledger).await?.into_iter().filter(|job| job.alive_until < now) {
        let gone = (now - job.alive_until).max(TimeDelta::zero());
        let report = RunReport {
            run_id: job.run_id,
            job: job.job,
            started_at: job.started_at,
            ended_at: now,
            status: RunStatus::Failed,
            markets: Vec::new(),
            errors: vec![RequestError {
                at: now,
                market: None,
                page: None,
                error_type: ErrorType::RunDied,
                message: format!("no sign of life for {} s; what it had stored is used", gone.num_seconds()),
                retries: 0,
                resolved: false,
            }],
            trace_id: None,
        };
        let put = put_report(raw, &report).await?;
        Jobs::end(ledger, job.run_id).await?;
        tracing::warn!(run_id = %job.run_id, already_reported = (put == Put::AlreadyThere), "dead run closed");
        closed.push(job.run_id);
    }
    Ok(closed)
}
