//! What each provider's words come to, by payloads written for it: the traps among them. And the page that lists the
//! words (`CAUCE_UPDATE_DOCS=1` writes it).
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at what it can't do")]

use std::{fmt::Write, fs, path::Path};

use cauce_model::{Reading, StatusCategory};
use cauce_protocols::{
    document::{self, Bytes},
    providers::{self, Detected, Sent, detect},
};

fn read(provider: &str, body: &str) -> Vec<Reading> {
    let records = document::read(Bytes { content_type: None, body: body.as_bytes() }).unwrap();
    let provider = providers::find(provider).unwrap();
    records.iter().flat_map(|record| providers::read(provider, record)).collect()
}

/// `subject STATUS reason amount currency`, of each event.
fn told(provider: &str, body: &str) -> String {
    let one = |reading: &Reading| {
        let mut text = format!("{} {}", reading.subject, reading.status);
        if let Some(reason) = reading.reason {
            write!(text, " {reason}").unwrap();
        }
        if let Some(money) = reading.money {
            write!(text, " {} {}", money.minor, money.currency).unwrap();
        }
        text
    };
    read(provider, body).iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_traps_of_each_provider() {
    for (provider, body, expected) in [
        (
            "stripe",
            r#"{"object":"payment_intent","id":"pi_1","status":"requires_payment_method","last_payment_error":null,"amount":500,"currency":"clp"}"#,
            "payment PENDING 500 CLP",
        ),
        (
            "stripe",
            r#"{"object":"payment_intent","id":"pi_1","status":"requires_payment_method","last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"},"amount":500,"currency":"usd"}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 500 USD",
        ),
        (
            "stripe",
            r#"{"object":"payment_intent","id":"pi_1","status":"a_word_of_next_year","amount":500,"currency":"isk"}"#,
            "payment UNKNOWN 5 ISK",
        ),
        (
            "stripe",
            r#"{"object":"event","type":"charge.refunded","data":{"object":{"object":"charge","id":"ch_1","status":"succeeded","captured":true,"amount":1000,"amount_refunded":400,"refunded":false,"currency":"mxn"}}}"#,
            "refund PARTIALLY_REFUNDED 400 MXN",
        ),
        (
            "stripe",
            r#"{"object":"event","type":"charge.dispute.closed","data":{"object":{"object":"dispute","id":"dp_1","status":"won","amount":1000,"currency":"usd"}}}"#,
            "dispute APPROVED 1000 USD",
        ),
        (
            "adyen",
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"eventCode":"AUTHORISATION","success":"false","pspReference":"A","reason":"12","amount":{"currency":"CLP","value":199000}}},{"NotificationRequestItem":{"eventCode":"REFUND","success":true,"pspReference":"B","originalReference":"A","amount":{"currency":"EUR","value":100}}}]}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 1990 CLP, refund REFUNDED 100 EUR",
        ),
        (
            "adyen",
            r#"{"notificationItems":[{"NotificationRequestItem":{"eventCode":"CANCELLATION","success":"false","pspReference":"B","originalReference":"A"}},{"NotificationRequestItem":{"eventCode":"CHARGEBACK_REVERSED","success":"true","pspReference":"A"}}]}"#,
            "payment AUTHORIZED, dispute APPROVED",
        ),
        (
            "adyen",
            r#"{"notificationItems":[{"NotificationRequestItem":{"eventCode":"NEXT_YEARS_EVENT","success":"true","pspReference":"B"}}]}"#,
            "payment UNKNOWN",
        ),
        (
            "mercadopago",
            r#"{"id":1,"status":"cancelled","status_detail":"expired","payment_type_id":"ticket","transaction_amount":10.5,"currency_id":"ARS"}"#,
            "payment EXPIRED 1050 ARS",
        ),
        (
            "mercadopago",
            r#"{"id":1,"status":"approved","status_detail":"partially_refunded","payment_type_id":"credit_card","transaction_amount":10,"transaction_amount_refunded":4,"currency_id":"BRL"}"#,
            "payment PARTIALLY_REFUNDED 400 BRL",
        ),
        (
            "payu",
            "merchant_id=1&state_pol=6&response_message_pol=ANTIFRAUD_REJECTED&reference_sale=r&transaction_id=t&value=1000.00&currency=COP&transaction_date=2026-03-01+10%3A00%3A00",
            "payment DECLINED FRAUD 100000 COP",
        ),
        (
            "payu",
            r#"{"code":"SUCCESS","transactionResponse":{"orderId":1,"transactionId":"t","state":"EXPIRED","responseCode":"EXPIRED_TRANSACTION"}}"#,
            "payment EXPIRED",
        ),
        (
            "dlocal",
            r#"{"id":"D-4-1","status":"REJECTED","status_code":"302","amount":"10.00","currency":"UYU"}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 1000 UYU",
        ),
        (
            "kushki",
            r#"{"ticketNumber":"1","transactionStatus":"APPROVAL","transactionType":"PREAUTH","approvedTransactionAmount":5.25,"currencyCode":"USD"}"#,
            "payment AUTHORIZED 525 USD",
        ),
        (
            "paypal",
            r#"{"event_type":"CHECKOUT.ORDER.APPROVED","resource_type":"checkout-order","create_time":"2026-03-01T10:00:00Z","resource":{"id":"O","status":"APPROVED","intent":"CAPTURE","purchase_units":[{"amount":{"value":"10.00","currency_code":"USD"}}]}}"#,
            "payment PENDING 1000 USD",
        ),
        (
            "paypal",
            r#"{"event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-03-01T10:00:00Z","resource":{"id":"C","status":"COMPLETED","amount":{"value":"10","currency_code":"JPY"}}}"#,
            "payment APPROVED 10 JPY",
        ),
        (
            "braintree",
            "<notification><kind>dispute_won</kind><subject><dispute><id>d</id><status>won</status><amount>10.00</amount><currency-iso-code>USD</currency-iso-code></dispute></subject></notification>",
            "dispute APPROVED 1000 USD",
        ),
        (
            "worldpay",
            "<paymentService version='1.4' merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='1000' currencyCode='CLP' exponent='0'/><lastEvent>REFUSED</lastEvent><ISO8583ReturnCode code='51' description='FUNDS'/></payment></orderStatusEvent></notify></paymentService>",
            "payment DECLINED INSUFFICIENT_FUNDS 1000 CLP",
        ),
        (
            "checkout",
            r#"{"id":"evt_1","type":"payment_declined","created_on":"2026-03-01T10:00:00Z","data":{"id":"pay_1","response_code":"20051","amount":199000,"currency":"CLP"}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 1990 CLP",
        ),
        (
            "conekta",
            r#"{"object":"event","type":"charge.paid","created_at":1,"data":{"object":{"object":"charge","id":"c","status":"paid","amount":1000,"currency":"MXN"}}}"#,
            "payment APPROVED 1000 MXN",
        ),
        (
            "openpay",
            r#"{"type":"charge.refunded","event_date":"2026-03-01T10:00:00Z","transaction":{"id":"t","status":"completed","operation_type":"in","transaction_type":"charge","amount":10,"currency":"MXN","refund":{"status":"completed","amount":4}}}"#,
            "refund PARTIALLY_REFUNDED 400 MXN",
        ),
        (
            "wompi",
            r#"{"event":"transaction.updated","data":{"transaction":{"id":"1","status":"VOIDED","amount_in_cents":160000,"currency":"COP"}},"signature":{"checksum":"x"}}"#,
            "payment CANCELLED 160000 COP",
        ),
        (
            "ebanx",
            r#"{"status":"SUCCESS","payment":{"hash":"h","merchant_payment_code":"m","status":"CA","transaction_status":{"code":"NOK","description":"declined reason insufficientFunds"},"amount_ext":"1.00","currency_ext":"USD"}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 100 USD",
        ),
        (
            "mollie",
            r#"{"resource":"payment","id":"tr_1","status":"paid","amount":{"value":"10.00","currency":"EUR"},"amountRefunded":{"value":"10.00","currency":"EUR"},"createdAt":"2026-03-01T10:00:00Z"}"#,
            "payment REFUNDED 1000 EUR",
        ),
        (
            "square",
            r#"{"merchant_id":"m","event_id":"e","type":"payment.updated","data":{"object":{"payment":{"id":"p","status":"APPROVED","amount_money":{"amount":100,"currency":"USD"}}}}}"#,
            "payment AUTHORIZED 100 USD",
        ),
        (
            "razorpay",
            r#"{"entity":"event","event":"refund.processed","contains":["refund"],"created_at":1,"payload":{"refund":{"entity":{"entity":"refund","id":"r","payment_id":"p","status":"processed","amount":100,"currency":"INR"}}}}"#,
            "refund REFUNDED 100 INR",
        ),
        (
            "authorizenet",
            r#"{"eventType":"net.authorize.payment.void.created","notificationId":"n","payload":{"responseCode":1,"id":"1"}}"#,
            "payment CANCELLED",
        ),
        (
            "cybersource",
            r#"{"id":"1","status":"DECLINED","submitTimeUtc":"2026-03-01T10:00:00Z","errorInformation":{"reason":"INSUFFICIENT_FUND"}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS",
        ),
        (
            "gocardless",
            r#"{"events":[{"id":"E","resource_type":"payments","action":"failed","details":{"cause":"insufficient_funds"},"links":{"payment":"P"}},{"id":"F","resource_type":"payments","action":"charged_back","links":{"payment":"P"}}]}"#,
            "payment DECLINED INSUFFICIENT_FUNDS, dispute CHARGEBACK",
        ),
    ] {
        assert_eq!(told(provider, body), expected, "{provider}: {body}");
    }
}

#[test]
fn a_word_that_nobody_explained_is_unknown_and_never_a_success() {
    for provider in providers::all() {
        for (word, status) in provider.about().statuses {
            assert!(*status != StatusCategory::Unknown && *status != StatusCategory::Unprocessed, "{word}");
        }
    }
    for (provider, body) in [
        ("dlocal", r#"{"id":"D-4-1","status":"NEXT","amount":"10.00","currency":"UYU"}"#),
        ("wompi", r#"{"data":{"id":"1","status":"NEXT","amount_in_cents":1,"currency":"COP"}}"#),
        (
            "square",
            r#"{"payment":{"id":"p","status":"NEXT","amount_money":{"amount":100,"currency":"USD"}}}"#,
        ),
        (
            "mollie",
            r#"{"resource":"payment","id":"tr_1","status":"next","createdAt":"2026-03-01T10:00:00Z"}"#,
        ),
        ("checkout", r#"{"id":"pay_1","status":"Next","response_code":"10000"}"#),
        ("conekta", r#"{"object":"charge","id":"c","status":"next"}"#),
        (
            "mercadopago",
            r#"{"id":1,"status":"next","status_detail":"x","payment_type_id":"ticket","transaction_amount":1}"#,
        ),
        ("kushki", r#"{"ticketNumber":"1","transactionStatus":"NEXT"}"#),
    ] {
        assert!(told(provider, body).starts_with("payment UNKNOWN"), "{provider}: {}", told(provider, body));
    }
}

#[test]
fn an_address_is_believed_and_what_fits_two_is_nobodys() {
    let of =
        |body: &str| document::read(Bytes { content_type: None, body: body.as_bytes() }).unwrap().remove(0);
    let named = |name| Sent { named: Some(name), headers: &[] };
    let strange = of(r#"{"a": 1}"#);
    assert!(
        matches!(detect(named("wompi"), &strange), Detected::Provider(provider, _) if provider.name() == "wompi")
    );
    assert!(matches!(detect(named("acme"), &strange), Detected::WithoutRules { .. }));
    assert!(matches!(detect(Sent::default(), &strange), Detected::Unknown));
    let signed = Sent { named: None, headers: &["content-type", "stripe-signature"] };
    assert!(
        matches!(detect(signed, &strange), Detected::Provider(provider, _) if provider.name() == "stripe")
    );
    // Both could have sent it.
    let both = of(r#"{"notificationItems": [], "resource": "payment", "_links": {}, "createdAt": "x"}"#);
    assert!(
        matches!(detect(Sent::default(), &both), Detected::Ambiguous { .. }),
        "{:?}",
        detect(Sent::default(), &both)
    );
}

#[test]
fn the_page_lists_every_word() {
    let mut page = "# Payment providers: their words and ours\n\nMade from the code: `CAUCE_UPDATE_DOCS=1 cargo test -p \
                    cauce-protocols --test provider_words`. A word that is not here is recorded as `UNKNOWN`, with the \
                    provider's own beside it, and counted. An event's kind may say more than its status: a refund or a \
                    dispute is one whatever word its payment has. What decides stands in the file of each provider, under \
                    `lake/protocols/src/providers/`.\n"
        .to_owned();
    for provider in providers::all() {
        write!(
            page,
            "\n## {} (`{}`)\n\n| its status | ours |\n|---|---|\n",
            provider.about().title,
            provider.name()
        )
        .unwrap();
        for (word, status) in provider.about().statuses {
            writeln!(page, "| `{word}` | `{status}` |").unwrap();
        }
        page.push_str("\n| its reason | ours |\n|---|---|\n");
        for (word, reason) in provider.about().reasons {
            writeln!(page, "| `{word}` | `{reason}` |").unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
    if std::env::var_os("CAUCE_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        page,
        "docs/providers.md is old: CAUCE_UPDATE_DOCS=1"
    );
}
