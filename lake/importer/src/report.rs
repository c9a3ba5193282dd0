//! The report of an import: a raw object whose key is the run's id, so that there is one.

use cauce_model::ImportReport;
use cauce_raw::{Bundle, CAUCE, Envelope, RawZone, kind};

use crate::ImportError;

const NAME: &str = "report";

pub(crate) async fn put(raw: &RawZone, report: &ImportReport) -> Result<(), ImportError> {
    let day = report.run_id.started_at().date_naive();
    let mut bundle = Bundle::new(CAUCE, kind::IMPORT_REPORT, day, &report.run_id.to_string());
    let mut envelope = Envelope::bare(serde_json::to_vec(report)?, report.ended_at);
    envelope.run_id = Some(report.run_id);
    bundle.push(&envelope)?;
    raw.put(&bundle.seal_unique(NAME)?).await?;
    Ok(())
}
