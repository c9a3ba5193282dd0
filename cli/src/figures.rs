//! Collects what this process counts, for Prometheus.

use std::time::Duration;

use anyhow::Context;
use cauce_api::Figures;
use cauce_telemetry::{FIGURES, Kind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use metrics_util::MetricKindMask;

/// Bounds of histograms in seconds: from a read of memory to a run of minutes.
const SECONDS: [f64; 17] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 240.0, 600.0,
];
/// Bounds of histograms of shares.
const SHARES: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1.0];
/// Histograms take in what has come this often.
const UPKEEP: Duration = Duration::from_secs(5);

/// Collects from now on. Once a process.
pub(crate) fn collect() -> anyhow::Result<Figures> {
    let mut builder =
        PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(Figures::FORGOTTEN_AFTER));
    for figure in FIGURES.iter().filter(|figure| figure.kind == Kind::Histogram) {
        let bounds: &[f64] = if figure.name.ends_with("_ratio") { &SHARES } else { &SECONDS };
        builder = builder.set_buckets_for_metric(Matcher::Full(figure.name.to_owned()), bounds)?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("figures")?;
    for figure in FIGURES {
        figure.describe();
    }
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Figures::of(move || handle.render()))
}
