//! Signatures of providers: Adyen's from its documentation, the others made with another library (Python's hmac). Each
//! holds for its body and secret, and for nothing else.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at what it can't do")]

use std::collections::BTreeMap;

use cauce_protocols::providers::{self, Forged, Signed};
use chrono::{DateTime, TimeDelta, Utc};

struct Vector {
    provider: &'static str,
    headers: &'static [(&'static str, &'static str)],
    query: &'static str,
    body: &'static str,
    secret: &'static str,
}

const BODY: &str = r#"{"id":"evt_1","object":"event"}"#;

const VECTORS: &[Vector] = &[
    Vector {
        provider: "stripe",
        headers: &[(
            "stripe-signature",
            "t=1772359200,v1=00,v1=cb34fcee44d9314a9124bbe9c2e5e646014735be1b70a7e0fd87558b3824d826",
        )],
        query: "",
        body: BODY,
        secret: "whsec_test",
    },
    Vector {
        provider: "adyen",
        headers: &[],
        query: "",
        body: r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},"pspReference":"7914073381342284","merchantAccountCode":"TestMerchant","merchantReference":"TestPayment-1407325143704","amount":{"value":1130,"currency":"EUR"},"eventCode":"AUTHORISATION","success":"true"}}]}"#,
        secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    },
    Vector {
        provider: "mercadopago",
        headers: &[
            (
                "x-signature",
                "ts=1772359200000,v1=d9244ab7c5f27b377fca7880e71a87a05caf7db63c9eb5c67faee7293b096fa0",
            ),
            ("x-request-id", "req-1"),
        ],
        query: "data.id=ABC123&type=payment",
        body: r#"{"action":"payment.updated","type":"payment","data":{"id":"ABC123"}}"#,
        secret: "secret",
    },
    Vector {
        provider: "checkout",
        headers: &[("cko-signature", "d1c015be0b170c6d42ab75a56ea463d30483b1e8d2f20e96f996dd63ae6efbcb")],
        query: "",
        body: BODY,
        secret: "secret",
    },
    Vector {
        provider: "gocardless",
        headers: &[("webhook-signature", "d1c015be0b170c6d42ab75a56ea463d30483b1e8d2f20e96f996dd63ae6efbcb")],
        query: "",
        body: BODY,
        secret: "secret",
    },
    Vector {
        provider: "razorpay",
        headers: &[(
            "x-razorpay-signature",
            "d1c015be0b170c6d42ab75a56ea463d30483b1e8d2f20e96f996dd63ae6efbcb",
        )],
        query: "",
        body: BODY,
        secret: "secret",
    },
    Vector {
        provider: "square",
        headers: &[("x-square-hmacsha256-signature", "a73vspHNAcQhjtoTVX8hHp9KANNMfPVI85yKAmxMCvs=")],
        query: "",
        body: BODY,
        secret: "secret",
    },
    Vector {
        provider: "authorizenet",
        headers: &[(
            "x-anet-signature",
            "sha512=AAD98298C50C493175655E15E5A895F6E58C9A44821F303A113F13A0ECAAE9E381CC839055F50EA0BD13CF7929D110983BDDCFAE96EADB50B8BECD1573C9449D",
        )],
        query: "",
        body: BODY,
        secret: "00FF10",
    },
    Vector {
        provider: "braintree",
        headers: &[],
        query: "",
        body: "bt_signature=other%7C00%26public%7Ce5904b4f76f8b285881c279dcad47941724ec02a&bt_payload=PGE%2BPC9hPg%3D%3D%0A",
        secret: "public|private",
    },
    Vector {
        provider: "wompi",
        headers: &[],
        query: "",
        body: r#"{"event":"transaction.updated","data":{"transaction":{"id":"1234-1610641025-49201","status":"APPROVED","amount_in_cents":4490000}},"signature":{"properties":["transaction.id","transaction.status","transaction.amount_in_cents"],"checksum":"ed99774c36009f91aeee049e7038888a6a943cb082f8ea46e3b5474e987d9332"},"timestamp":1530291411}"#,
        secret: "prod_events_secret",
    },
];

fn now() -> DateTime<Utc> {
    "2026-03-01T10:01:00Z".parse().unwrap()
}

fn verified(vector: &Vector, body: &str, secrets: &[&str], now: DateTime<Utc>) -> Result<(), Forged> {
    let headers: BTreeMap<String, String> =
        vector.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let address = Some("https://cauce.example/api/v1/webhooks/square");
    let signed = Signed { headers: &headers, body: body.as_bytes(), query: vector.query, address, now };
    providers::verify(providers::find(vector.provider).unwrap(), &signed, secrets.iter().copied())
}

#[test]
fn each_holds_for_its_body_and_secret_and_nothing_else() {
    for vector in VECTORS {
        let name = vector.provider;
        assert_eq!(verified(vector, vector.body, &[vector.secret], now()), Ok(()), "{name}");
        assert_eq!(verified(vector, vector.body, &["0a0b", vector.secret], now()), Ok(()), "{name}: rotated");
        assert!(verified(vector, vector.body, &["0a0b"], now()).is_err(), "{name}: another secret");
        assert!(verified(vector, vector.body, &[], now()).is_err(), "{name}: no secret");
        let other = vector
            .body
            .replace("evt_1", "evt_2")
            .replace("1130", "1131")
            .replace("4490000", "1")
            .replace("PGE", "PGI");
        let is_of_body = verified(vector, &other, &[vector.secret], now()).is_ok();
        // Mercado Pago signs what it names, and that is in its address.
        assert_eq!(is_of_body, name == "mercadopago", "{name}: another body");
        let unsigned = Vector { headers: &[], query: "", ..*vector };
        if !vector.headers.is_empty() {
            assert_eq!(
                verified(&unsigned, vector.body, &[vector.secret], now()),
                Err(Forged::Unsigned),
                "{name}"
            );
        }
    }
    let all: Vec<&str> =
        providers::all().iter().filter(|one| one.about().signs).map(|one| one.name()).collect();
    assert!(
        all.iter().all(|name| VECTORS.iter().any(|vector| vector.provider == *name)),
        "each that signs is here: {all:?}"
    );
}

#[test]
fn what_was_signed_long_ago_is_not_taken_again() {
    for vector in VECTORS.iter().filter(|vector| ["stripe", "mercadopago"].contains(&vector.provider)) {
        for away in [TimeDelta::minutes(7), TimeDelta::minutes(-7)] {
            let stale = verified(vector, vector.body, &[vector.secret], now() + away);
            assert!(matches!(stale, Err(Forged::Stale { .. })), "{}: {stale:?}", vector.provider);
        }
    }
}

#[test]
fn what_is_read_is_what_was_signed() {
    let of = |name: &str| VECTORS.iter().find(|vector| vector.provider == name).unwrap();
    let forged = |name: &str, body: String| {
        let vector = of(name);
        let refused = verified(vector, &body, &[vector.secret], now());
        assert!(refused.is_err(), "{name}: {body}");
    };
    // Beside what is signed stands what is not.
    let event = r#"{"eventCode":"AUTHORISATION","success":"true","pspReference":"X"}"#;
    forged("adyen", format!("[{},{event}]", of("adyen").body));
    forged(
        "adyen",
        of("adyen").body.replace("}]}", &format!("}},{{\"NotificationRequestItem\":{event}}}]}}")),
    );
    // What is summed is named by who sends it.
    let wompi = of("wompi").body;
    let moved = wompi.replace("transaction.id\",\"transaction.status\",\"transaction.amount_in_cents", "x");
    forged("wompi", moved.replace("\"data\":{", "\"data\":{\"x\":\"1234-1610641025-49201APPROVED4490000\","));
    // Nothing of the body is signed.
    forged(
        "mercadopago",
        r#"{"data":{"id":"ABC123"},"status":"approved","transaction_amount":10}"#.to_owned(),
    );
    forged("mercadopago", r#"{"type":"payment","data":{"id":"DEF456"}}"#.to_owned());
}
