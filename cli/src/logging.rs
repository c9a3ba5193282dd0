//! Logs: for people on standard error, and as JSON lines in a rotating file while something is served.
//!
//! `CAUCE_LOG` sets levels per module, such as `info,cauce_sources=debug`.

use std::{io::IsTerminal, path::PathBuf, sync::Mutex};

use crate::traces::Export;
use anyhow::Context;
use file_rotate::{ContentLimit, FileRotate, compression::Compression, suffix::AppendCount};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

const SIZE: usize = 2 << 20;
const FILES: usize = 5;

/// Starts logging: `console` and worse on standard error, with a folder everything into its `logs/cauce.log`, and spans
/// to where traces go.
pub(crate) fn start(console: &str, folder: Option<PathBuf>, traces: Option<&Export>) -> anyhow::Result<()> {
    let levels =
        |default: &str| EnvFilter::try_from_env("CAUCE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let to_console = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_filter(levels(console));
    let file = folder
        .map(|folder| {
            let folder = folder.join("logs");
            std::fs::create_dir_all(&folder).with_context(|| format!("log folder {}", folder.display()))?;
            let rotating = FileRotate::new(
                folder.join("cauce.log"),
                AppendCount::new(FILES - 1),
                ContentLimit::BytesSurpassed(SIZE),
                Compression::None,
                None,
            );
            let json =
                tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(Mutex::new(rotating));
            Ok::<_, anyhow::Error>(json.with_filter(levels("info")))
        })
        .transpose()?;
    let traces = traces.map(|traces| {
        tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_filter(levels("info"))
    });
    tracing_subscriber::registry().with(to_console).with(file).with(traces).try_init().context("logging")
}
