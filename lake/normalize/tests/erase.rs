//! One person's records become tombstones; everybody else's keep their words, their places and their ids.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

use cauce_model::RawId;
use cauce_normalize::{PaymentEvent, Subject, erased, normalize, open};
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use proptest::prelude::*;

fn object(headers: &[(&str, &str)], bodies: &[&[u8]]) -> (RawId, Vec<u8>) {
    let at = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut bundle = Bundle::new("events", kind::PAYMENT_EVENT, "2026-03-01".parse().unwrap(), "10");
    for body in bodies {
        let mut envelope = Envelope::bare(*body, at);
        envelope.headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        bundle.push(&envelope).unwrap();
    }
    let sealed = bundle.seal("event").unwrap();
    (sealed.id.clone(), RawZone::decompress(&sealed.id, &sealed.bytes).unwrap())
}

fn events(raw: &RawId, object: &[u8]) -> Vec<PaymentEvent> {
    let lines = open(object);
    normalize(raw, &lines).events
}

fn subject(term: &str) -> Subject {
    Subject::new([term.to_owned()]).unwrap()
}

fn paid(id: &str, email: &str) -> String {
    format!(
        r#"{{"object":"payment_intent","id":"{id}","status":"succeeded","created":1,"amount":5,"currency":"usd","receipt_email":"{email}"}}"#
    )
}

/// What is left of an object with three records, whose second is Ana's.
fn without_ana(body: &str) -> (Vec<PaymentEvent>, Vec<PaymentEvent>, String) {
    let (raw, before) = object(&[], &[body.as_bytes()]);
    let done = erased(&raw, &before, &subject("Ana@Example.com"));
    assert_eq!((done.records, done.whole_bodies), (1, 0), "{body}");
    let text = String::from_utf8(done.object.clone()).unwrap();
    (events(&raw, &before), events(&raw, &done.object), text)
}

#[test]
fn of_lines_and_elements_only_theirs_goes() {
    let [bob, ana, eva] =
        [("pi_1", "bob@example.com"), ("pi_2", "ana@example.com"), ("pi_3", "eva@example.com")]
            .map(|(id, email)| paid(id, email));
    let table = "reference_sale,state_pol,value,currency,transaction_id,email_buyer\n\
                 r-1,4,10.00,COP,t-1,bob@example.com\nr-2,4,11.00,COP,t-2,ana@example.com\nr-3,4,12.00,COP,t-3,eva@example.com\n";
    for body in [format!("{bob}\n{ana}\n{eva}\n"), format!("[{bob}, {ana},{eva}]"), table.to_owned()] {
        let (before, after, text) = without_ana(&body);
        assert_eq!((before.len(), after.len()), (3, 2), "{body}");
        assert_eq!(
            [&after[0].id, &after[1].id],
            [&before[0].id, &before[2].id],
            "the others keep their ids: {text}"
        );
        assert_eq!(after[1].reading, before[2].reading);
        assert!(!text.to_lowercase().contains("ana@example") && text.contains("eva@example"), "{text}");
    }
}

#[test]
fn a_body_without_parts_goes_whole_and_others_stay_as_they_are() {
    let xml = b"<paymentService merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='7' currencyCode='EUR' exponent='2'/><lastEvent>CAPTURED</lastEvent><cardHolderName>Ana Maria Lopez</cardHolderName></payment></orderStatusEvent></notify></paymentService>";
    let other = paid("pi_9", "bob@example.com");
    let (raw, before) = object(&[("content-type", "text/xml")], &[xml, other.as_bytes()]);
    let done = erased(&raw, &before, &subject("ana maria lopez"));
    assert_eq!((done.records, done.whole_bodies), (1, 0));
    let (was, is) = (events(&raw, &before), events(&raw, &done.object));
    assert_eq!((was.len(), is.len(), &is[0].id), (2, 1, &was[1].id));
    assert!(!String::from_utf8_lossy(&done.object).contains("Lopez"));
    // Again there is nothing to do, and nothing changes.
    let again = erased(&raw, &done.object, &subject("ana maria lopez"));
    assert_eq!((again.records, again.object), (0, done.object));
}

#[test]
fn numbers_are_found_with_other_separators_and_words_only_whole() {
    for (term, text, named) in [
        ("123.456.789-09", "cpf 12345678909 of", true),
        ("12345678909", "123.456.789-09", true),
        ("+55 11 91234-5678", r#"{"phone":"5511912345678"}"#, true),
        ("12345678909", "9123456789091", false),
        ("cus_12345", "x cus_12345,", true),
        ("cus_12345", "cus_123456", false),
        ("maria", "mariana", false),
        ("JOSÉ PÉREZ", "josé pérez", true),
    ] {
        assert_eq!(subject(term).is_named_in(text), named, "{term} in {text}");
    }
    for short in ["ana", "  ", ""] {
        assert!(Subject::new([short.to_owned()]).is_err(), "{short} names many");
    }
}

proptest! {
    #[test]
    fn whatever_the_body_nothing_of_them_is_left(
        before in ".{0,40}", after in ".{0,40}", form in 0..4usize,
    ) {
        let body = match form {
            0 => format!("{before} ana@example.com {after}"),
            1 => serde_json::json!({ "a": before, "b": { "c": ["ana@example.com", after] } }).to_string(),
            2 => format!("a,b\n{},ana@example.com\n{},x\n", before.replace(['\n', '\r'], " "), after.replace(['\n', '\r'], " ")),
            _ => format!("a={}&b=ana%40example.com", before.replace(['&', '%', '='], "")),
        };
        let (raw, object) = object(&[], &[body.as_bytes()]);
        let done = erased(&raw, &object, &subject("ana@example.com"));
        let left = String::from_utf8_lossy(&done.object).to_lowercase();
        prop_assert_eq!(done.unreadable, 0);
        prop_assert!(done.records > 0 && !left.contains("ana@example") && !left.contains("ana%40example"), "{left}");
        prop_assert_eq!(erased(&raw, &done.object, &subject("ana@example.com")).records, 0);
    }
}

/// Documents inside texts, with escapes of their own; bodies that are packed, by whatever case of the word.
#[test]
fn what_is_inside_or_packed_is_looked_into() {
    use std::io::Write;
    let nested = r#"{"raw_event":"{\"payer\":\"Jos\\u00e9 P\\u00e9rez\"}"}"#;
    let (raw, before) = object(&[], &[nested.as_bytes()]);
    assert_eq!(erased(&raw, &before, &subject("José Pérez")).records, 1);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(paid("pi_1", "ana@example.com").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let (raw, before) = object(&[("content-encoding", "GZIP")], &[&packed]);
    let done = erased(&raw, &before, &subject("ana@example.com"));
    assert_eq!((done.records, events(&raw, &done.object).len()), (1, 0));
    let (raw, before) = object(&[("content-encoding", "br")], &[b"\x0b\x02\x80abc\x03"]);
    assert_eq!(erased(&raw, &before, &subject("ana@example.com")).unreadable, 1, "and it is said");
}

#[test]
fn whoever_sends_the_words_of_a_tombstone_erases_nothing() {
    let paid = paid("pi_1", "cauce-erased:9999");
    let (raw, object) =
        object(&[("content-type", "application/json")], &[paid.as_bytes(), b"cauce-erased:1"]);
    let found = events(&raw, &object);
    assert_eq!((found.len(), found[0].record, found[0].reading.status.as_str()), (2, 0, "APPROVED"));
}
