//! What providers send beside their usual webhooks: lists, form fields, answers to questions; and what others send that looks
//! like theirs. Bodies are written after the providers' documentation.
#![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

use cauce_protocols::{
    document::{self, Bytes},
    providers::{self, Detected, Sent, detect},
};

/// `subject STATUS reason amount currency payment/operation`, of each event.
fn told(provider: &str, body: &str) -> String {
    let records = document::read(Bytes { content_type: None, body: body.as_bytes() }).unwrap();
    let provider = providers::find(provider).unwrap();
    let readings = records.iter().flat_map(|record| providers::read(provider, record));
    let one = |reading: cauce_model::Reading| {
        let money = reading.money.map(|money| format!("{} {}", money.minor, money.currency));
        let ids = [reading.payment_id, reading.operation_id].map(|id| id.unwrap_or_default());
        let parts = [
            Some(reading.subject.to_string()),
            Some(reading.status.to_string()),
            reading.reason.map(|reason| reason.to_string()),
            money,
            Some(ids.join("/")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    readings.map(one).collect::<Vec<_>>().join(", ")
}

/// Whose a body is, without a word of who sent it.
fn whose(body: &str) -> Option<&'static str> {
    let records = document::read(Bytes { content_type: None, body: body.as_bytes() }).unwrap();
    match detect(Sent::default(), &records[0]) {
        Detected::Provider(provider, _) => Some(provider.name()),
        _ => None,
    }
}

#[test]
fn lists_forms_and_answers_say_what_they_say() {
    for (provider, body, expected) in [
        (
            "paypal",
            r#"{"id":"O","status":"COMPLETED","purchase_units":[{"payments":{"captures":[{"id":"C","status":"DECLINED","amount":{"value":"100.00","currency_code":"USD"},"processor_response":{"response_code":"5120"}}]}}]}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 10000 USD C/",
        ),
        (
            "paypal",
            r#"{"id":"W","event_type":"PAYMENT.CAPTURE.REVERSED","resource":{"id":"R","status":"COMPLETED","amount":{"value":"0.99","currency_code":"USD"},"links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/C"}]}}"#,
            "dispute CHARGEBACK 99 USD C/R",
        ),
        (
            "paypal",
            r#"{"id":"W","event_type":"PAYMENT.SALE.REFUNDED","resource":{"id":"R","sale_id":"S","state":"completed","amount":{"total":"-0.01","currency":"USD"}}}"#,
            "refund REFUNDED 1 USD S/R",
        ),
        (
            "paypal",
            "txn_id=R&parent_txn_id=P&payment_status=Refunded&mc_gross=-19.95&mc_currency=USD&verify_sign=x&payment_date=20%3A12%3A59+Jan+13%2C+2009+PST",
            "refund REFUNDED 1995 USD P/R",
        ),
        (
            "paypal",
            "txn_id=A&payment_status=Pending&pending_reason=authorization&mc_gross=19.95&mc_currency=USD&verify_sign=x",
            "payment AUTHORIZED 1995 USD A/",
        ),
        (
            "paypal",
            "txn_id=R2&parent_txn_id=P&payment_status=Canceled_Reversal&mc_gross=15.00&mc_currency=USD&verify_sign=x",
            "dispute APPROVED 1500 USD P/",
        ),
        (
            "paypal",
            r#"{"id":"PAY-1","intent":"sale","state":"approved","transactions":[{"amount":{"total":"7.47","currency":"USD"},"related_resources":[{"sale":{"id":"S","state":"completed","amount":{"total":"7.47","currency":"USD"}}}]}]}"#,
            "payment APPROVED 747 USD S/S",
        ),
        (
            "dlocal",
            r#"{"id":"REF42342","payment_id":"PAY1","order_id":"o","status":"SUCCESS","amount":1,"currency":"USD"}"#,
            "refund REFUNDED 100 USD PAY1/REF42342",
        ),
        (
            "dlocal",
            r#"{"id":"CHAR42342","payment_id":"PAY1","order_id":"o","status":"COMPLETED","amount":1,"currency":"USD"}"#,
            "dispute CHARGEBACK 100 USD PAY1/CHAR42342",
        ),
        (
            "gocardless",
            r#"{"payments":[{"id":"PM1","status":"confirmed","amount":1,"currency":"GBP","links":{}},{"id":"PM2","status":"paid_out","amount":2500,"currency":"GBP","links":{}}]}"#,
            "payment APPROVED 1 GBP PM1/, payment APPROVED 2500 GBP PM2/",
        ),
        (
            "stripe",
            r#"{"object":"event","created":1,"type":"checkout.session.async_payment_failed","data":{"object":{"object":"checkout.session","id":"cs_1","status":"complete","payment_status":"unpaid","payment_intent":"pi_1","amount_total":500,"currency":"brl"}}}"#,
            "payment DECLINED UNKNOWN 500 BRL pi_1/",
        ),
        (
            "stripe",
            r#"{"object":"list","data":[{"object":"charge","id":"ch_1","status":"failed","outcome":{"type":"blocked","reason":"highest_risk_level"},"amount":5,"currency":"usd"}]}"#,
            "payment DECLINED FRAUD 5 USD ch_1/ch_1",
        ),
        (
            "adyen",
            "eventCode=AUTHORISATION&success=true&pspReference=A&value=10100&currency=EUR&merchantAccountCode=M",
            "payment AUTHORIZED 10100 EUR A/",
        ),
        (
            "kushki",
            r#"{"transactionType":"CHARGEBACK","transactionStatus":"DECLINED","ticketNumber":"1","saleTicketNumber":"0"}"#,
            "dispute APPROVED 0/1",
        ),
        (
            "worldpay",
            r#"{"eventId":"1","eventTimestamp":"2026-03-01T10:00:00Z","eventDetails":{"type":"refused","refusalCode":"5","transactionReference":"t","amount":{"value":1,"currencyCode":"GBP"}}}"#,
            "payment DECLINED BANK_DECLINE 1 GBP t/",
        ),
        (
            "checkout",
            r#"{"id":"evt_1","type":"dispute_arbitration_sent_to_scheme","data":{"id":"dsp_1","payment_id":"pay_1","amount":5,"currency":"USD"}}"#,
            "dispute CHARGEBACK 5 USD pay_1/dsp_1",
        ),
        (
            "razorpay",
            r#"{"entity":"event","event":"payment_link.expired","contains":["payment_link"],"payload":{"payment_link":{"entity":{"id":"plink_1","status":"expired","amount":1000,"currency":"INR"}}}}"#,
            "order EXPIRED 1000 INR plink_1/",
        ),
        (
            "razorpay",
            r#"{"error":{"code":"BAD_REQUEST_ERROR","step":"payment_authorization","reason":"insufficient_funds","metadata":{"payment_id":"pay_1"}}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS pay_1/",
        ),
        (
            "mercadopago",
            r#"{"id":"2340001","payments":[1234],"currency":"ARS","amount":1000.5,"coverage_applied":false,"coverage_elegible":true,"documentation_required":true,"documentation_status":"pending"}"#,
            "dispute CHARGEBACK 100050 ARS 1234/2340001",
        ),
        (
            "square",
            r#"{"errors":[{"category":"PAYMENT_METHOD_ERROR","code":"INSUFFICIENT_FUNDS"}],"payment":{"id":"P","status":"FAILED","amount_money":{"amount":100,"currency":"USD"}}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 100 USD P/",
        ),
        (
            "cybersource",
            "decision=DECLINE&reason_code=204&transaction_id=45&req_amount=100.00&req_currency=USD&req_transaction_type=sale&signed_field_names=a",
            "payment DECLINED INSUFFICIENT_FUNDS 10000 USD 45/",
        ),
        (
            "cybersource",
            "decision=DECLINE&reason_code=204&transaction_id=45&req_transaction_type=create_payment_token&signed_field_names=a",
            "other NOT_A_PAYMENT /",
        ),
        (
            "authorizenet",
            "x_response_code=3&x_response_reason_code=16&x_trans_id=21&x_amount=9.95&x_type=void",
            "request FAILED UNKNOWN 21/",
        ),
        (
            "authorizenet",
            "x_response_code=2&x_response_reason_code=2&x_trans_id=21&x_amount=9.95&x_type=auth_capture",
            "payment DECLINED BANK_DECLINE 21/",
        ),
        (
            "authorizenet",
            r#"{"transaction":{"transId":"60","transactionType":"refundTransaction","transactionStatus":"refundSettledSuccessfully","refTransId":"50","submitTimeUTC":"2016-11-02T19:03:27Z"}}"#,
            "refund REFUNDED 50/60",
        ),
        (
            "payu",
            r#"{"code":"SUCCESS","result":{"payload":{"id":857,"referenceCode":"r","transactions":[{"id":"t","type":"AUTHORIZATION_AND_CAPTURE","transactionResponse":{"state":"APPROVED","responseCode":"APPROVED"},"additionalValues":{"TX_VALUE":{"value":65000.0,"currency":"COP"}}}]}}}"#,
            "payment APPROVED 6500000 COP 857/t",
        ),
    ] {
        assert_eq!(told(provider, body), expected, "{provider}: {body}");
    }
}

#[test]
fn who_writes_alike_is_not_taken_for_another() {
    for (body, expected) in [
        (
            r#"{"object":"event","id":"5","type":"charge.declined","created_at":1772359200,"livemode":true,"webhook_status":"pending","data":{"object":{"object":"charge","id":"1"}}}"#,
            Some("conekta"),
        ),
        // Pay.jp.
        (
            r#"{"object":"charge","id":"ch_1","created":1433127983,"livemode":false,"amount":3500,"fee_rate":"3.00","captured":true,"captured_at":1433127983,"paid":true,"currency":"jpy"}"#,
            None,
        ),
        (
            r#"{"object":"event","id":"evnt_1","created":1442288882,"livemode":false,"type":"charge.succeeded","pending_webhooks":1,"data":{"object":"charge","id":"ch_1","amount":1}}"#,
            None,
        ),
        (
            r#"{"error":{"code":"card_declined","message":"x","param":"card","status":402,"type":"card_error"}}"#,
            None,
        ),
        // Omise.
        (
            r#"{"object":"event","id":"evnt_1","livemode":false,"key":"charge.create","created_at":"2020-01-01T00:00:00Z","data":{"object":"charge","id":"chrg_1","livemode":false,"created_at":"2020-01-01T00:00:00Z"}}"#,
            None,
        ),
        // Cashfree.
        (
            r#"{"entity":"refund","cf_refund_id":"1","refund_id":"r","refund_status":"PENDING","refund_amount":1,"refund_currency":"INR"}"#,
            None,
        ),
        // Worldline.
        (r#"{"errorId":"1","errors":[{"category":"PAYMENT_PLATFORM_ERROR","code":"1099"}]}"#, None),
        // OpenAI.
        (r#"{"error":{"message":"x","type":"invalid_request_error","param":null,"code":null}}"#, None),
        ("id=ord_abc", Some("mollie")),
        (r#"{"resource":"123456789","topic":"payment"}"#, Some("mercadopago")),
        (
            r#"{"name":"UNPROCESSABLE_ENTITY","debug_id":"1","details":[{"issue":"INSTRUMENT_DECLINED"}]}"#,
            Some("paypal"),
        ),
    ] {
        assert_eq!(whose(body), expected, "{body}");
    }
}
