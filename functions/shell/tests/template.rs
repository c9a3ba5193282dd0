//! What `sam-template.yaml` promises: nothing is lost without being noticed, and nobody may more than he has to.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::{collections::BTreeSet, fs, path::Path};

use cauce_enrich::MOST_RECEIPTS;
use cauce_queue::MAX_RECEIPTS;
use serde_yaml_ng::Value;

/// Zones of the lake that a function may be given whole.
const ZONES: [&str; 8] = ["results", "raw", "inbox", "hot", "tables", "replaced", "deliveries", "config"];
/// Secrets that carry the stack's name.
const SECRETS: [&str; 2] = [
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${AWS::StackName}/*",
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${AWS::StackName}/*",
];

struct Template(Value);

struct Resource<'a> {
    name: &'a str,
    kind: &'a str,
    properties: &'a Value,
}

fn beside(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The resource that `!Ref X`, `!GetAtt X.Arn` and their like name.
fn refers(value: &Value) -> Option<&str> {
    let Value::Tagged(tagged) = value else { return None };
    tagged.value.as_str()?.split('.').next()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Tagged(tagged) => texts(&tagged.value),
        _ => Vec::new(),
    }
}

impl Template {
    fn read() -> Self {
        Self(serde_yaml_ng::from_str(&beside("sam-template.yaml")).unwrap())
    }

    fn of(&self, kind: &str) -> Vec<Resource<'_>> {
        let all = self.0["Resources"].as_mapping().unwrap().iter();
        let resources = all.map(|(name, body)| Resource {
            name: name.as_str().unwrap(),
            kind: body["Type"].as_str().unwrap(),
            properties: &body["Properties"],
        });
        resources.filter(|resource| resource.kind == kind).collect()
    }

    fn functions(&self) -> Vec<Resource<'_>> {
        self.of("AWS::Serverless::Function")
    }

    /// Every statement of every policy, with whose it is.
    fn statements(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for function in self.functions() {
            for policy in function.properties["Policies"].as_sequence().unwrap() {
                let statements =
                    policy["Statement"].as_sequence().expect("statements, and no policy of AWS's own");
                found.extend(statements.iter().map(|statement| (function.name.to_owned(), statement)));
            }
        }
        for kind in ["AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"] {
            for policy in self.of(kind) {
                let statements = policy.properties["PolicyDocument"]["Statement"].as_sequence().unwrap();
                found.extend(statements.iter().map(|statement| (policy.name.to_owned(), statement)));
            }
        }
        found
    }
}

#[test]
fn every_queue_has_dead_letters_that_are_watched() {
    let template = Template::read();
    let queues = template.of("AWS::SQS::Queue");
    let target = |queue: &Resource<'_>| {
        refers(&queue.properties["RedrivePolicy"]["deadLetterTargetArn"]).map(str::to_owned)
    };
    let dead: BTreeSet<String> = queues.iter().filter_map(target).collect();
    assert!(!dead.is_empty());
    for queue in queues.iter().filter(|queue| !dead.contains(queue.name)) {
        // A model that is not well is waited for, with four tries in five hours.
        let receipts = if queue.name == "UnreadQueue" { MOST_RECEIPTS } else { MAX_RECEIPTS };
        let most = queue.properties["RedrivePolicy"]["maxReceiveCount"].as_u64();
        assert_eq!(most, Some(u64::from(receipts)), "{}", queue.name);
    }
    let alarms = template.of("AWS::CloudWatch::Alarm");
    for letters in dead {
        let watched = alarms.iter().any(|alarm| {
            alarm.properties["MetricName"] == "ApproximateNumberOfMessagesVisible"
                && refers(&alarm.properties["Dimensions"][0]["Value"]) == Some(&letters)
        });
        assert!(watched, "{letters} has no alarm");
    }
}

#[test]
fn every_reader_of_a_queue_reports_partial_failures_and_has_time() {
    let template = Template::read();
    let queues = template.of("AWS::SQS::Queue");
    let mut readers = 0;
    for function in template.functions() {
        let Some(events) = function.properties["Events"].as_mapping() else { continue };
        for event in events.values().filter(|event| event["Type"] == "SQS") {
            readers += 1;
            let event = &event["Properties"];
            assert_eq!(
                texts(&event["FunctionResponseTypes"]),
                ["ReportBatchItemFailures"],
                "{}",
                function.name
            );
            assert!(!event["ScalingConfig"]["MaximumConcurrency"].is_null(), "{}", function.name);
            let queue = refers(&event["Queue"]).unwrap();
            let queue = queues.iter().find(|found| found.name == queue).unwrap();
            let visibility = queue.properties["VisibilityTimeout"].as_u64().unwrap();
            let timeout = function.properties["Timeout"].as_u64().unwrap();
            assert!(visibility >= 6 * timeout, "{}: {visibility} s for {timeout} s", queue.name);
        }
    }
    assert_eq!(readers, 3);
}

#[test]
fn nobody_may_more_than_is_written_here() {
    let template = Template::read();
    for (whose, statement) in template.statements() {
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        if statement["Effect"] == "Deny" {
            continue;
        }
        assert!(!actions.is_empty() && !resources.is_empty(), "{whose}: {statement:?}");
        for action in actions {
            assert!(action.contains(':') && !action.contains('*'), "{whose} may {action}");
        }
        for resource in resources.iter().filter(|resource| resource.contains('*')) {
            let zone = resource.strip_prefix("${Lake.Arn}/").and_then(|rest| rest.strip_suffix("/*"));
            // Or a folder of one.
            let zone = zone.and_then(|zone| zone.split('/').next());
            let is_zone = zone.is_some_and(|zone| ZONES.contains(&zone));
            assert!(is_zone || SECRETS.contains(&resource.as_str()), "{whose} reaches {resource}");
        }
    }
}

#[test]
fn only_maintenance_writes_tables_and_only_few_delete() {
    let template = Template::read();
    let who_may = |action: &str, zone: &str| -> BTreeSet<String> {
        let reaches = |statement: &Value| {
            texts(&statement["Action"]).iter().any(|found| found == action)
                && texts(&statement["Resource"]).iter().any(|found| found.ends_with(&format!("/{zone}/*")))
        };
        let statements = template.statements().into_iter();
        statements.filter(|(_, statement)| reaches(statement)).map(|(whose, _)| whose).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| format!("{name}Function")).collect::<BTreeSet<_>>();
    assert_eq!(who_may("s3:PutObject", "tables"), set(&["Maintain"]));
    assert_eq!(who_may("s3:PutObject", "tables/fact_trades"), set(&["Analyze", "Journal"]));
    assert_eq!(who_may("s3:PutObject", "hot"), set(&["Maintain", "Normalize"]));
    assert_eq!(
        who_may("s3:PutObject", "raw"),
        set(&["Deliver", "Enrich", "Fetch", "Inbox", "Ingest", "Journal", "Poll", "Scrape"])
    );
    assert_eq!(who_may("s3:PutObject", "results"), set(&["Query"]));
    assert_eq!(who_may("s3:DeleteObject", "raw"), set(&["Maintain"]));
    assert_eq!(who_may("s3:DeleteObject", "inbox"), set(&["Inbox"]));
    assert_eq!(who_may("s3:GetObject", "raw"), set(&["Admin", "Enrich", "Maintain", "Normalize", "Query"]));
    // Of the ledger everybody reaches some kinds of items only.
    for (whose, statement) in template.statements() {
        if texts(&statement["Action"]).iter().any(|action| action.starts_with("dynamodb:")) {
            let kinds = &statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
            assert!(!texts(kinds).is_empty(), "{whose} reaches all of the ledger");
        }
    }
    // Who signs tokens, and who makes users and keys.
    let reaches = |kind: &str, action: &str| -> BTreeSet<String> {
        let reaches = |statement: &Value| {
            let kinds = &statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
            texts(&statement["Action"]).iter().any(|found| found == action)
                && texts(kinds).iter().any(|found| found == kind)
        };
        let statements = template.statements().into_iter();
        statements.filter(|(_, statement)| reaches(statement)).map(|(whose, _)| whose).collect()
    };
    assert_eq!(reaches("signing", "dynamodb:GetItem"), set(&["Admin"]));
    for kind in ["signing", "user", "key", "jwks", "closed"] {
        assert_eq!(reaches(kind, "dynamodb:PutItem"), set(&["Admin"]), "{kind}");
    }
}

#[test]
fn every_function_is_watched_and_keeps_its_log_for_a_while() {
    let template = Template::read();
    let alarms = template.of("AWS::CloudWatch::Alarm");
    for function in template.functions() {
        for metric in ["Errors", "Throttles"] {
            let watched = alarms.iter().any(|alarm| {
                alarm.properties["MetricName"] == metric
                    && refers(&alarm.properties["Dimensions"][0]["Value"]) == Some(function.name)
            });
            assert!(watched, "{} has no alarm for {metric}", function.name);
        }
        assert!(refers(&function.properties["LoggingConfig"]["LogGroup"]).is_some(), "{}", function.name);
    }
    for alarm in &alarms {
        let properties = alarm.properties;
        assert!(
            !properties["TreatMissingData"].is_null() && !properties["AlarmActions"].is_null(),
            "{}",
            alarm.name
        );
    }
    for log in template.of("AWS::Logs::LogGroup") {
        assert!(!log.properties["RetentionInDays"].is_null(), "{}", log.name);
    }
}

#[test]
fn every_alarm_is_explained() {
    let template = Template::read();
    let page = beside("infra/alarms.md");
    let functions = template.functions();
    for alarm in template.of("AWS::CloudWatch::Alarm") {
        let name = alarm.name.trim_end_matches("Alarm");
        let shared = ["Errors", "Throttles"].into_iter().find(|kind| {
            let function = name.strip_suffix(kind).map(|function| format!("{function}Function"));
            functions.iter().any(|known| Some(known.name) == function.as_deref())
        });
        let heading = shared.map_or_else(|| name.to_owned(), |kind| format!("…{kind}"));
        assert!(page.contains(&format!("`{heading}`")), "infra/alarms.md does not explain `{heading}`");
    }
}

#[test]
fn a_stranger_can_deploy_it() {
    let template = Template::read();
    for (name, parameter) in template.0["Parameters"].as_mapping().unwrap() {
        assert!(parameter["Description"].as_str().is_some() && !parameter["Default"].is_null(), "{name:?}");
    }
    for function in template.functions() {
        let Some(events) = function.properties["Events"].as_mapping() else { continue };
        for event in events.values().filter(|event| event["Type"] == "ScheduleV2") {
            assert_eq!(
                event["Properties"]["OmitName"], true,
                "a schedule of {} has a fixed name",
                function.name
            );
        }
    }
    let text = beside("sam-template.yaml");
    let account = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 12);
    assert_eq!(account, None, "an account's number");
    for kind in
        ["BucketName", "QueueName", "TableName", "FunctionName", "RoleName", "AlarmName", "LogGroupName"]
    {
        let named = template.0["Resources"].as_mapping().unwrap().iter().find(|(_, resource)| {
            resource["Type"] != "AWS::Lambda::Permission" && !resource["Properties"][kind].is_null()
        });
        assert!(named.is_none(), "{kind} of {named:?} could clash with another stack's");
    }
}
