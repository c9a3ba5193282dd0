//! Signatures of providers: Adyen's from its documentation, the others made with another library (Python's hmac, and openssl); those that
//! others have published stand in `provider_signatures_published.rs`. Each
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
    Vector {
        provider: "conekta",
        headers: &[(
            "digest",
            "ScMbaNvUfbgE8UkNREdFfJZ1p5jp9WulvLoi///k5IIyzeJW/1CwAm/1D8L/zKqAVm9iubdOjXWD0qabGpAaOl/zrQCpRlDcs/VB/Gtow3inwSJ99K+cqW+Nj6ec1qyRkEFN6CsJWzmgqWy9HnQIi+32ST1P/XjMD2jcsEwI0VsMVNmV0kEn9VZQoPAj5oRR1nrpG89u1T8736hAobrNURBTN3k10dquLCwYDIrCHgfeWAF10LzDWlvDQgCze9PBeMVFj779pnE6AvDLbKlWAPjEjlcTpqTRhX7ZI9GYaJGxYjtoLB4+ojrwdLFLpv65GAJQ1LzCizc8wfYuvIWYrA==",
        )],
        query: "",
        body: BODY,
        secret: "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr8CKZLtXn/DqNgggM1eA\nYgIJknisSKy75ONH6gqUwkGn8Fc9kRzH4JbxQFICXAeEJ1kMLtI5skZ0g8R6ERy1\nXsvRRZdWLUr5Ny/ayLzGvj7FLPuwPBm0BRSkqtWmKQfE7nwR7edMRQH6+WLdJw/M\nWnJrUdg+3WyflL0cNUDHZu4BCoosmCkF7jYw9wNah8Df6lKx5aNLAMLUtzdVrrlZ\nEEat8iasyqBs3N0MjER7VxuODdmpYZZ7KqUehlY6CXJqKCMQylnrQ68RfQLQMybL\nj7CClF0LORTvGiMkQx/hslYACdt5iRbaWF533r5U7ArgcA94OD6bxLAvS6bYUyPA\nuQIDAQAB\n-----END PUBLIC KEY-----",
    },
    Vector {
        provider: "paypal",
        headers: &[
            ("paypal-transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
            ("paypal-transmission-time", "2026-03-01T10:00:00Z"),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1"),
            (
                "paypal-transmission-sig",
                "RovD7ONsFPPTLWqTi2/wFgl9tC0BZpLV58eXvlz4/MpQx2O8jdhiPIJZBURQVVsMF3SXr8sdxxh/gfAW/Ce1J5J/BDQmEbXN8c4E5cE9xdTFexJxaZ40JV5GyKvQO2YygjKcQqEPKfRBRK4u453SulRrCpCkFLOtFwIUa5S87zi88tzloGiytcGnMNFlu/uErY+nDp/Ibr6my5H2WvUsTnHxak9OmUNb6G7a3LaJhj8n+OuQoviCf9MV4U6xMykLGTPJnNL2mFLt416EIFNbVvJ2KrujeVyCxvRnC4zYChpFfxGhAvsSqfPOQCXNGlIN86ih/pqLhRL2OzN/p1fIyA==",
            ),
        ],
        query: "",
        body: BODY,
        secret: "1JE4291016473214C",
    },
];

/// Made for these tests, of the key that the two who sign by RSA have here.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIDOTCCAiGgAwIBAgIUH5lrxFAEM6JLrTN8ekYqz9uhAfUwDQYJKoZIhvcNAQEL
BQAwKzEpMCcGA1UEAwwgbWVzc2FnZXZlcmlmaWNhdGlvbmNlcnRzLmV4YW1wbGUw
IBcNMjYxMTIzMDcxNDEzWhgPMjEyNjEwMzAwNzE0MTNaMCsxKTAnBgNVBAMMIG1l
c3NhZ2V2ZXJpZmljYXRpb25jZXJ0cy5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEF
AAOCAQ8AMIIBCgKCAQEAr8CKZLtXn/DqNgggM1eAYgIJknisSKy75ONH6gqUwkGn
8Fc9kRzH4JbxQFICXAeEJ1kMLtI5skZ0g8R6ERy1XsvRRZdWLUr5Ny/ayLzGvj7F
LPuwPBm0BRSkqtWmKQfE7nwR7edMRQH6+WLdJw/MWnJrUdg+3WyflL0cNUDHZu4B
CoosmCkF7jYw9wNah8Df6lKx5aNLAMLUtzdVrrlZEEat8iasyqBs3N0MjER7VxuO
DdmpYZZ7KqUehlY6CXJqKCMQylnrQ68RfQLQMybLj7CClF0LORTvGiMkQx/hslYA
Cdt5iRbaWF533r5U7ArgcA94OD6bxLAvS6bYUyPAuQIDAQABo1MwUTAdBgNVHQ4E
FgQU017baHq3zVpEP/6MMdRwEm/tro4wHwYDVR0jBBgwFoAU017baHq3zVpEP/6M
MdRwEm/tro4wDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAlENZ
CBBPo2RkSiKitRgoHHIO9k7IRdi6hap3jKQaJWHClNxVOCSSPMZqaApUiwl4MVd6
xtX22YdmS9c1rgRK28wANTMKWIOHN00qBjfdyYUuQw661afExz2WOAo9hc7XSKRA
dm1CALC1gQsHeodScHBgIg+k/1tV5p1xc/LDQy03TV07No4J8/S1eemIGXhhbp6z
4OgDn9KbtDBFshMwCMpqxloz3LuGf9TCokL13I7fzy6KW+qqvtHrST7cQ0SyYc9e
QaLVs6me00H5shRoE86Ohj8/ipH4X5sodiW6NtTi3mArtITHEUGBoVCCo3VpITdZ
GQ3Bpyzg9iaRtHEgkg==
-----END CERTIFICATE-----";

fn now() -> DateTime<Utc> {
    "2026-03-01T10:01:00Z".parse().unwrap()
}

fn verified(vector: &Vector, body: &str, secrets: &[&str], now: DateTime<Utc>) -> Result<(), Forged> {
    let headers: BTreeMap<String, String> =
        vector.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let address = Some("https://cauce.example/api/v1/webhooks/square");
    let signed = Signed {
        headers: &headers,
        body: body.as_bytes(),
        query: vector.query,
        address,
        now,
        certificate: Some(CERTIFICATE),
    };
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
    forged("wompi", wompi.replace("4490000}", "44900001}").replace("1530291411", "530291411"));
    forged("wompi", wompi.replace("4490000}", "449000}").replace("1530291411", "\"01530291411\""));
    // Nothing of the body is signed.
    forged(
        "mercadopago",
        r#"{"data":{"id":"ABC123"},"status":"approved","transaction_amount":10}"#.to_owned(),
    );
    forged("mercadopago", r#"{"type":"payment","data":{"id":"DEF456"}}"#.to_owned());
    // Whatever else its reader knows by now says more than the id that is signed.
    for more in [
        r#""preapproval_id":"p","debit_date":"d","payment":{"id":"ABC123","status":"approved"}"#,
        r#""caller_id":1,"client_id":2,"state":"FINISHED","payment":{"id":"ABC123","state":"approved"}"#,
        r#""payment_id":"ABC123","amount":5,"refund_mode":"standard","status":"approved""#,
    ] {
        forged("mercadopago", format!(r#"{{"type":"payment","data":{{"id":"ABC123"}},{more}}}"#));
    }
    // An order's event says how it stands; of the order whose id is signed, and of no other.
    let order = |kind: &str, id: &str| {
        format!(
            r#"{{"action":"order.processed","type":"{kind}","data":{{"id":"{id}","status":"processed","transactions":{{"payments":[]}}}}}}"#
        )
    };
    let vector = of("mercadopago");
    assert_eq!(verified(vector, &order("order", "ABC123"), &[vector.secret], now()), Ok(()));
    forged("mercadopago", order("order", "DEF456"));
    forged("mercadopago", order("payment", "ABC123"));
}

#[test]
fn a_certificate_is_fetched_from_paypal_and_from_nobody_else() {
    let paypal = providers::find("paypal").unwrap();
    let at = |url: &str| {
        let headers = BTreeMap::from([("paypal-cert-url".to_owned(), url.to_owned())]);
        let signed =
            Signed { headers: &headers, body: b"", query: "", address: None, now: now(), certificate: None };
        paypal.certificate(&signed)
    };
    assert!(at("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1").is_some());
    for other in [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.example/v1/notifications/certs/CERT-1",
        "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/oauth2/CERT-1",
        "https://example.com/https://api.paypal.com/v1/notifications/certs/CERT-1",
    ] {
        assert_eq!(at(other), None, "{other}");
    }
    let vector = VECTORS.iter().find(|vector| vector.provider == "paypal").unwrap();
    let days = verified(vector, vector.body, &[vector.secret], now() + TimeDelta::days(4));
    assert!(matches!(days, Err(Forged::Stale { .. })), "{days:?}");
}
