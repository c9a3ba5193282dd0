//! Recorded payloads of payment providers, each held against what a person read in it: `providers/<name>.tsv` has, per
//! event, what it is about, its status, reason and amount. The payloads are not part of the repository.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cauce_model::Reading;
use cauce_protocols::{
    document::{self, Bytes, Node},
    providers::{self, Detected, Sent, detect},
};

fn payloads() -> Option<PathBuf> {
    let given = std::env::var_os("CAUCE_REALDATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = folder.join("payments");
    if !folder.is_dir() {
        println!("skipped: no recorded payloads at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The records of a file. Some files hold samples by name, each as the body of a request.
fn records(path: &Path) -> Result<Vec<Node>, document::Unreadable> {
    let body = fs::read(path).unwrap();
    let records = document::read(Bytes { content_type: None, body: &body })?;
    if !path.ends_with("prism_webhook_payloads.json") {
        return Ok(records);
    }
    let samples = records[0].members().iter().map(|(_, sample)| sample.at("grpc_req.request_details.body"));
    Ok(samples.filter(|body| !body.is_null()).cloned().collect())
}

/// subject, status, reason, amount, currency
type Told = [String; 5];

fn told(reading: &Reading) -> Told {
    let dash = || "-".to_owned();
    [
        reading.subject.to_string(),
        reading.status.to_string(),
        reading.reason.map_or_else(dash, |reason| reason.to_string()),
        reading.money.map_or_else(dash, |money| money.minor.to_string()),
        reading.money.map_or_else(dash, |money| money.currency.to_string()),
    ]
}

/// What a person read, by file and record.
fn read_by_people(provider: &str) -> BTreeMap<(String, usize), Told> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/providers/{provider}.tsv"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [file, record, subject, _native, status, reason, amount, currency] = cells[..] else {
            panic!("{provider}: {line}")
        };
        let told = [subject, status, reason, amount, currency].map(str::to_owned);
        ((file.to_owned(), record.parse().unwrap()), told)
    });
    rows.collect()
}

#[test]
fn every_payload_says_what_a_person_read_in_it() {
    let Some(payloads) = payloads() else { return };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for provider in providers::all() {
        let mut expected = read_by_people(provider.name());
        let mut files: Vec<PathBuf> =
            fs::read_dir(payloads.join(provider.name())).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for path in files {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let readings: Vec<Reading> = match records(&path) {
                Ok(records) => records.iter().flat_map(|record| providers::read(*provider, record)).collect(),
                Err(_) => Vec::new(),
            };
            for (record, reading) in readings.iter().enumerate() {
                compared += 1;
                let found = told(reading);
                match expected.remove(&(file.clone(), record)) {
                    Some(expected) if expected == found => {}
                    Some(expected) => wrong.push(format!(
                        "{}/{file}#{record}: {expected:?} was read, {found:?} found",
                        provider.name()
                    )),
                    None => wrong.push(format!("{}/{file}#{record}: nobody read {found:?}", provider.name())),
                }
            }
        }
        for ((file, record), expected) in expected {
            wrong.push(format!("{}/{file}#{record}: {expected:?} was read, nothing found", provider.name()));
        }
    }
    println!("{compared} events compared");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn webhooks_are_recognized_and_nobody_is_taken_for_another() {
    let Some(payloads) = payloads() else { return };
    let kinds = fs::read_to_string(payloads.join("../PROVENANCE.tsv")).unwrap();
    let webhooks: Vec<&str> = kinds
        .lines()
        .filter(|line| line.split('\t').nth(9) == Some("webhook"))
        .filter_map(|line| line.split('\t').next()?.strip_prefix("payments/"))
        .collect();
    let (mut seen, mut recognized, mut missed, mut wrong, mut all) = (0, 0, Vec::new(), Vec::new(), 0);
    for folder in fs::read_dir(&payloads).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let has_rules = providers::find(&name).is_some();
        for path in fs::read_dir(&folder).unwrap() {
            let path = path.unwrap().path();
            let place = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
            let Ok(records) = records(&path) else { continue };
            for record in records {
                all += 1;
                let is_webhook = has_rules && webhooks.contains(&place.as_str());
                seen += usize::from(is_webhook);
                match detect(Sent::default(), &record) {
                    Detected::Provider(provider, _) if provider.name() == name => {
                        recognized += usize::from(is_webhook)
                    }
                    Detected::Provider(provider, evidence) => {
                        wrong.push(format!("{place}: taken for {} by {evidence:?}", provider.name()));
                    }
                    other if is_webhook => missed.push(format!("{place}: {other:?}")),
                    _ => {}
                }
            }
        }
    }
    println!("{recognized} of {seen} webhooks recognized, {all} documents in all; not: {missed:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 100 && recognized * 100 >= seen * 95, "{recognized} of {seen}: {missed:#?}");
}
