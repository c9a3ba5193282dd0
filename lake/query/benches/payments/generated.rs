//! Events of some providers in their own words: payments that begin and end, some of them refunded or disputed days later.

use std::sync::Arc;

use cauce_raw::{Bundle, Envelope, Put, RawZone, kind};
use cauce_tables::{DayBatch, write};
use chrono::{DateTime, Days as DaysAfter, NaiveDate, TimeDelta, Utc};
use object_store::ObjectStore;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Events of one raw object, and objects of one hot file.
const LINES: u64 = 2_000;
const OBJECTS: u64 = 5;

/// A day of the lake.
pub(crate) fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 1).unwrap() + DaysAfter::new(number)
}

/// Keeps so many events more of a day, and writes their rows as the normalizer does. What is brought to one day in turns has
/// another `turn` each time.
pub(crate) async fn bring(store: &Arc<dyn ObjectStore>, number: u64, turn: u64, events: u64) {
    let raw = RawZone::new(Arc::clone(store));
    let date = day(number);
    let mut random = StdRng::seed_from_u64(number * 1_000 + turn);
    let (mut brought, mut batch, mut objects, mut payments) = (0, DayBatch::new(date), 0, 0);
    while brought < events {
        let provider = ["stripe", "adyen", "mercadopago", "paypal", "dlocal", "checkout"]
            [(brought / LINES % 6) as usize];
        let mut bundle = Bundle::new(provider, kind::PAYMENT_EVENT, date, "00");
        let mut lines = 0;
        while lines < LINES && brought < events {
            let second = random.random_range(0..86_400);
            let at = date.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::seconds(second);
            payments += 1;
            for body in payment(provider, Number { day: number, turn, payment: payments }, at, &mut random) {
                bundle
                    .push(&Envelope::bare(
                        body.as_bytes(),
                        at + TimeDelta::milliseconds(random.random_range(200..9_000)),
                    ))
                    .unwrap();
                lines += 1;
                brought += 1;
            }
        }
        let sealed = bundle.seal("events").unwrap();
        assert_eq!(raw.put(&sealed).await.unwrap(), Put::Created);
        batch.read(&sealed.id, &RawZone::decompress(&sealed.id, &sealed.bytes).unwrap());
        objects += 1;
        if objects % OBJECTS == 0 || brought >= events {
            for file in std::mem::replace(&mut batch, DayBatch::new(date)).finish().unwrap() {
                write(store, &file).await.unwrap();
            }
        }
    }
}

/// Which payment of which day.
#[derive(Clone, Copy)]
struct Number {
    day: u64,
    turn: u64,
    payment: u64,
}

impl Number {
    fn id(self) -> u64 {
        self.day << 40 | self.turn << 36 | self.payment
    }
}

/// What a provider says of one payment that day: mostly that it began, and how it ended.
fn payment(provider: &str, number: Number, at: DateTime<Utc>, random: &mut StdRng) -> Vec<String> {
    let id = number.id();
    let cents: u32 = random.random_range(500..200_000);
    let merchant = random.random_range(0..400_u32);
    let (country, currency) = [("BR", "BRL"), ("AR", "ARS"), ("CO", "COP"), ("MX", "MXN"), ("VE", "USD")]
        [random.random_range(0..5)];
    let fails = random.random_range(0..100) < 12;
    let (seconds, end) = (at.timestamp(), at.timestamp() + 3);
    let major = format!("{}.{:02}", cents / 100, cents % 100);
    let time = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or_default().to_rfc3339();
    let mut said = match provider {
        "stripe" => {
            let event = |kind: &str, status: &str, created: i64, more: &str| {
                format!(
                    r#"{{"id":"evt_{id:016x}{status}","object":"event","type":"payment_intent.{kind}","created":{created},"livemode":true,"account":"acct_{merchant}","data":{{"object":{{"id":"pi_{id:016x}","object":"payment_intent","amount":{cents},"currency":"{}","status":"{status}","created":{seconds},"payment_method_types":["card"]{more}}}}}}}"#,
                    currency.to_lowercase()
                )
            };
            let ended = match fails {
                true => event(
                    "payment_failed",
                    "requires_payment_method",
                    end,
                    r#","last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}"#,
                ),
                false => event("succeeded", "succeeded", end, &format!(r#","amount_received":{cents}"#)),
            };
            vec![event("processing", "processing", seconds, ""), ended]
        }
        "adyen" => {
            let item = |code: &str, success: bool, own: &str, original: &str, seconds: i64| {
                format!(
                    r#"{{"live":"true","notificationItems":[{{"NotificationRequestItem":{{"eventCode":"{code}","success":"{success}","pspReference":"{own}"{original},"merchantReference":"R{id}","merchantAccountCode":"M{merchant}","amount":{{"value":{cents},"currency":"{currency}"}},"eventDate":"{}","paymentMethod":"visa","reason":"{}"}}}}]}}"#,
                    time(seconds),
                    if success { "123456:1111:03/2030" } else { "Not enough balance" }
                )
            };
            let own = format!("{id:016X}");
            let original = format!(r#","originalReference":"{own}""#);
            let mut said = vec![item("AUTHORISATION", !fails, &own, "", seconds)];
            said.extend((!fails).then(|| item("CAPTURE", true, &format!("C{id:015X}"), &original, end)));
            said
        }
        "mercadopago" => {
            let status = |status: &str, detail: &str, seconds: i64| {
                format!(
                    r#"{{"id":{id},"date_created":"{}","date_last_updated":"{}","status":"{status}","status_detail":"{detail}","transaction_amount":{major},"transaction_amount_refunded":0,"currency_id":"{currency}","payment_method_id":"visa","payment_type_id":"credit_card","collector_id":{merchant},"external_reference":"R{id}","captured":true,"operation_type":"regular_payment"}}"#,
                    time(at.timestamp()),
                    time(seconds)
                )
            };
            let ended = if fails {
                status("rejected", "cc_rejected_insufficient_amount", end)
            } else {
                status("approved", "accredited", end)
            };
            vec![status("in_process", "pending_review_manual", seconds), ended]
        }
        "paypal" => {
            let (kind, status) = if fails { ("DECLINED", "DECLINED") } else { ("COMPLETED", "COMPLETED") };
            vec![format!(
                r#"{{"id":"WH-{id:016X}","event_version":"1.0","create_time":"{}","resource_type":"capture","event_type":"PAYMENT.CAPTURE.{kind}","resource":{{"id":"{id:016X}","status":"{status}","amount":{{"value":"{major}","currency_code":"USD"}},"payee":{{"merchant_id":"P{merchant}"}},"final_capture":true,"create_time":"{}"}}}}"#,
                time(end),
                time(seconds)
            )]
        }
        "dlocal" => {
            let (status, code) = if fails { ("REJECTED", 302) } else { ("PAID", 200) };
            vec![format!(
                r#"{{"id":"D-{id}","amount":{major},"currency":"{currency}","country":"{country}","payment_method_id":"CARD","payment_method_type":"CARD","payment_method_flow":"DIRECT","created_date":"{}","approved_date":"{}","status":"{status}","status_code":"{code}","status_detail":"said so","order_id":"R{id}"}}"#,
                time(seconds),
                time(end)
            )]
        }
        _ => {
            let event = |kind: &str, seconds: i64| {
                format!(
                    r#"{{"id":"evt_{id:016x}{kind}","type":"payment_{kind}","version":"1.0","created_on":"{}","data":{{"id":"pay_{id:016x}","action_id":"act_{id:016x}{kind}","amount":{cents},"currency":"{currency}","approved":true,"reference":"R{id}","processing":{{}},"response_code":"10000","source":{{"type":"card","scheme":"VISA"}}}},"_links":{{}}}}"#,
                    time(seconds)
                )
            };
            vec![event("approved", seconds), event("captured", end)]
        }
    };
    // And a refund of what was paid some days ago.
    if provider == "stripe" && random.random_range(0..100) < 4 && number.day > 0 {
        let day = number.day - random.random_range(1..=number.day.min(20));
        let paid = Number { day, turn: 0, ..number }.id();
        said.push(format!(
            r#"{{"id":"evt_r{id:016x}","object":"event","type":"charge.refund.updated","created":{end},"data":{{"object":{{"id":"re_{id:016x}","object":"refund","amount":{},"currency":"{}","status":"succeeded","payment_intent":"pi_{paid:016x}","charge":"ch_{id:016x}"}}}}}}"#,
            cents / 2,
            currency.to_lowercase()
        ));
    }
    said
}
