//! Logs: for people on standard error, and as JSON lines in a rotating file while something is served.
//!
//! `CAUCE_LOG` sets levels per module, such as `info,cauce_sources=debug`.

use std::{path::PathBuf, sync::Mutex};

use anyhow::Context;
use file_rotate::{ContentLimit, FileRotate, compression::Compression, suffix::AppendCount};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

const SIZE: usize = 2 << 20;
const FILES: usize = 5;

/// Starts logging; with a folder into its `logs/cauce.log`, too.
pub(crate) fn start(folder: Option<PathBuf>) -> anyhow::Result<()> {
    let default = if folder.is_some() { "info" } else { "warn" };
    let levels = || EnvFilter::try_from_env("CAUCE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let console = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
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
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(Mutex::new(rotating));
            Ok::<_, anyhow::Error>(json.with_filter(levels()))
        })
        .transpose()?;
    tracing_subscriber::registry().with(console.with_filter(levels())).with(file).try_init().context("logging")
}
