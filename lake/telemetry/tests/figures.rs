//! Figures are what their list says, and are found under it.
#![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

use std::{collections::BTreeSet, fs};

use cauce_telemetry::{FIGURES, HTTP_REQUESTS, Kind, PRICE_UPDATES, QUEUE_MESSAGES, STORE_DURATION, Timer};
use metrics_exporter_prometheus::PrometheusBuilder;

#[test]
fn names_are_once_and_as_prometheus_wants_them() {
    let names: BTreeSet<&str> = FIGURES.iter().map(|figure| figure.name).collect();
    assert_eq!(names.len(), FIGURES.len(), "each name once");
    for figure in FIGURES {
        let is_counter = figure.kind == Kind::Counter;
        assert_eq!(figure.name.ends_with("_total"), is_counter, "{}: counters end in _total", figure.name);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(figure.name.chars().all(fits) && figure.labels.iter().all(|label| label.chars().all(fits)));
        assert!(!figure.help.is_empty() && !figure.help.ends_with('.'), "{}: {}", figure.name, figure.help);
    }
    // Named by requirement D9; those of trades come with trades.
    for name in [
        "http_requests_total",
        "http_request_duration_seconds",
        "price_updates_total",
        "active_arbitrage_opportunities",
    ] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn what_is_recorded_is_rendered_with_its_labels() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        FIGURES.iter().for_each(cauce_telemetry::Figure::describe);
        assert!(handle.render().contains("price_updates_total 0\n"), "it begins at zero");
        PRICE_UPDATES.count(7);
        PRICE_UPDATES.count(5);
        HTTP_REQUESTS.add(["/api/v1/markets", "GET", "200"], 1);
        QUEUE_MESSAGES.set(["dead"], 2.0);
        QUEUE_MESSAGES.set(["dead"], 1.0);
        drop(Timer::start(&STORE_DURATION, "get"));
    });
    let text = handle.render();
    for line in [
        "# HELP price_updates_total offers received from venues",
        "# TYPE price_updates_total counter",
        "price_updates_total 12",
        "http_requests_total{route=\"/api/v1/markets\",method=\"GET\",status=\"200\"} 1",
        "queue_messages{state=\"dead\"} 1",
        "store_operation_duration_seconds_count{operation=\"get\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[test]
fn the_guide_has_every_figure() {
    let mut table = "| name | kind | labels | what it says | |\n|---|---|---|---|---|\n".to_owned();
    for figure in FIGURES {
        let labels: Vec<String> = figure.labels.iter().map(|label| format!("`{label}`")).collect();
        let detail = if figure.is_detail { "detail" } else { "" };
        let (name, kind, labels) = (figure.name, figure.kind.name(), labels.join(" "));
        table += &format!("| `{name}` | {kind} | {labels} | {} | {detail} |\n", figure.help);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/observability.md");
    let guide = fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- figures: made from the code -->\n", "<!-- /figures -->");
    let (before, rest) = guide.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let wanted = format!("{before}{begin}{table}{end}{after}");
    if std::env::var_os("CAUCE_UPDATE_DOCS").is_some() {
        fs::write(path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), wanted, "CAUCE_UPDATE_DOCS=1 writes it anew");
}
