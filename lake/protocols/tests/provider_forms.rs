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
        (
            "payu",
            r#"{"code":"SUCCESS","result":{"payload":[{"id":1,"transactions":[{"id":"t","type":"VOID","transactionResponse":{"state":"APPROVED"}}]},{"id":2,"transactions":[{"id":"u","type":"AUTHORIZATION","transactionResponse":{"state":"DECLINED","responseCode":"EXPIRED_CARD"}}]}]}}"#,
            "payment CANCELLED 1/t, payment DECLINED EXPIRED_CARD 2/u",
        ),
        (
            "payu",
            r#"{"code":"SUCCESS","transactionResponse":{"orderId":1,"transactionId":"t","state":"APPROVED","additionalInfo":{"transactionType":"REFUND"}}}"#,
            "refund REFUNDED 1/t",
        ),
        (
            "payu",
            "merchantId=1&transactionState=6&reference_pol=7&transactionId=t&lapResponseCode=ENTITY_DECLINED&TX_VALUE=100.00&currency=USD",
            "payment DECLINED BANK_DECLINE 10000 USD 7/t",
        ),
        // Of a dispute that is lost a part may come back.
        (
            "stripe",
            r#"{"object":"dispute","id":"du_1","payment_intent":"pi_1","status":"lost","amount":6500,"currency":"gbp","balance_transactions":[{"reporting_category":"dispute"},{"reporting_category":"dispute_reversal","amount":50}]}"#,
            "dispute CHARGEBACK 6500 GBP pi_1/du_1",
        ),
        (
            "stripe",
            r#"{"object":"refund","id":"re_1","charge":"ch_1","status":"failed","failure_reason":"expired_or_canceled_card","amount":5,"currency":"eur"}"#,
            "refund FAILED EXPIRED_CARD 5 EUR ch_1/re_1",
        ),
        // Two refunds of one order, in parts, each by its name.
        (
            "worldpay",
            "<paymentService merchantCode='M'><notify><orderStatusEvent orderCode='o'><payment><amount value='4465' currencyCode='EUR' exponent='2'/><lastEvent>REFUNDED</lastEvent></payment><journal journalType='REFUNDED'><bookingDate><date dayOfMonth='01' month='01' year='2020'/></bookingDate><accountTx accountType='A' batchId='1'><amount value='1000' currencyCode='EUR' exponent='2'/></accountTx><journalReference type='refund' reference='R1'/></journal></orderStatusEvent></notify></paymentService>",
            "refund REFUNDED 1000 EUR o/o:R1",
        ),
        (
            "worldpay",
            "<paymentService merchantCode='M'><reply><ok><deleteTokenReceived paymentTokenID='t'/></ok></reply></paymentService>",
            "other NOT_A_PAYMENT /",
        ),
        (
            "worldpay",
            r#"{"outcome":"refused","transactionReference":"r","refusalCode":"75","refusalDescription":"SECURITY CODE INVALID"}"#,
            "payment DECLINED INVALID_CARD r/",
        ),
        // Events of orders say all of it.
        (
            "mercadopago",
            r#"{"action":"order.failed","type":"order","id":"9","user_id":"1","date_created":"2025-01-01T00:00:00Z","data":{"id":"ORD1","status":"failed","status_detail":"failed","total_amount":"100.00","transactions":{"payments":[{"id":"PAY1","amount":"100.00","status":"failed","status_detail":"insufficient_amount"}]}}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS ORD1/",
        ),
        (
            "mercadopago",
            r#"{"action":"order.charged_back","type":"order","id":"9","user_id":"1","data":{"id":"ORD1","status":"charged_back","status_detail":"in_process","transactions":{"payments":[{"id":"PAY1","amount":"50.00"}]}}}"#,
            "dispute CHARGEBACK ORD1/",
        ),
        (
            "mercadopago",
            r#"{"errors":[{"code":"failed","message":"x"}],"data":{"id":"ORD1","processing_mode":"automatic","status":"failed","status_detail":"failed","total_amount":"100.00","currency":"BRL","transactions":{"payments":[{"id":"PAY1","amount":"100.00","status_detail":"high_risk"}]}}}"#,
            "payment DECLINED FRAUD 10000 BRL ORD1/",
        ),
        (
            "mercadopago",
            r#"{"id":5,"operation_type":"card_validation","status":"approved","status_detail":"accredited","transaction_amount":0,"currency_id":"BRL"}"#,
            "other NOT_A_PAYMENT /",
        ),
        (
            "mercadopago",
            r#"{"id":7,"preapproval_id":"p","debit_date":"2022-01-10T10:10:10.000-00:00","status":"processed","transaction_amount":1000,"currency_id":"ARS","payment":{"id":8,"status":"rejected","status_detail":"cc_rejected_insufficient_amount"}}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 100000 ARS 8/",
        ),
        (
            "mercadopago",
            r#"{"id":"i","caller_id":1,"client_id":"2","state":"FINISHED","amount":500,"payment":{"id":9,"state":"rejected","type":"debit_card"}}"#,
            "payment DECLINED UNKNOWN i/",
        ),
        (
            "adyen",
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"eventCode":"AUTHORISATION_ADJUSTMENT","success":"false","pspReference":"8","originalReference":"7","merchantAccountCode":"M","amount":{"value":9000,"currency":"EUR"}}}]}"#,
            "payment AUTHORIZED 7/",
        ),
        // A modification has a reference of its own.
        ("adyen", r#"{"pspReference":"8","response":"[capture-received]"}"#, "payment PENDING /8"),
        (
            "adyen",
            r#"{"pspReference":"8","paymentPspReference":"7","status":"received","amount":{"currency":"EUR","value":1000}}"#,
            "payment PENDING 1000 EUR 7/8",
        ),
        (
            "adyen",
            r#"{"pspReference":"8","resultCode":"[payout-submit-received]"}"#,
            "payout NOT_A_PAYMENT /8",
        ),
        (
            "adyen",
            r#"{"resultCode":"PresentToShopper","action":{"type":"voucher","paymentMethodType":"multibanco","totalAmount":{"currency":"EUR","value":1000}}}"#,
            "payment PENDING 1000 EUR /",
        ),
        (
            "braintree",
            "<api-error-response><verification><status>processor_declined</status><processor-response-code>2000</processor-response-code></verification><message>Do Not Honor</message></api-error-response>",
            "other NOT_A_PAYMENT /",
        ),
        (
            "braintree",
            "<api-error-response><message>Card Issuer Declined CVV</message></api-error-response>",
            "payment DECLINED INVALID_CARD /",
        ),
        (
            "braintree",
            "<notification><kind>disbursement</kind><timestamp>2016-02-02T10:32:28Z</timestamp><subject><disbursement><id>d</id><amount>100.00</amount><merchant-account><id>m</id><currency-iso-code>USD</currency-iso-code></merchant-account></disbursement></subject></notification>",
            "payout NOT_A_PAYMENT 10000 USD /d",
        ),
        (
            "checkout",
            r#"{"action_id":"act_1","_links":{"payment":{"href":"https://api.checkout.com/payments/pay_1"}}}"#,
            "payment PENDING pay_1/act_1",
        ),
        (
            "checkout",
            r#"{"id":"evt_1","type":"payment_declined","created_on":"2022-01-01T00:00:00Z","data":{"id":"pay_1","response_code":"20183","amount":5,"currency":"EUR"}}"#,
            "payment DECLINED FRAUD 5 EUR pay_1/",
        ),
        (
            "paypal",
            r#"{"id":"W","event_type":"PAYMENT.PAYOUTS-ITEM.SUCCEEDED","resource":{"payout_item_id":"I","payout_item":{"amount":{"currency":"USD","value":"1.0"}}}}"#,
            "payout NOT_A_PAYMENT 100 USD /I",
        ),
        (
            "paypal",
            "txn_type=new_case&case_type=chargeback&case_id=PP-1&txn_id=T&reason_code=non_receipt&verify_sign=x&ipn_track_id=a",
            "dispute CHARGEBACK T/PP-1",
        ),
        (
            "authorizenet",
            "<createCustomerProfileTransactionResponse><messages><resultCode>Error</resultCode></messages><directResponse>2,1,2,This transaction has been declined.,,P,508,inv,Store,1.00,CC,auth_capture,</directResponse></createCustomerProfileTransactionResponse>",
            "payment DECLINED BANK_DECLINE 508/",
        ),
        (
            "kushki",
            r#"{"transaction_id":"2","sale_ticket_number":"1","transaction_type":"REFUND","transaction_status":"APPROVAL","approved_transaction_amount":0.6,"amount":{"currency":"MXN"},"public_credential_id":"p"}"#,
            "refund REFUNDED 60 MXN 1/2",
        ),
        (
            "wompi",
            r#"{"data":[{"id":"a","status":"DECLINED","status_message":"Fondos insuficientes","amount_in_cents":100,"currency":"COP"},{"id":"b","status":"APPROVED","amount_in_cents":200,"currency":"COP"}]}"#,
            "payment DECLINED INSUFFICIENT_FUNDS 100 COP a/, payment APPROVED 200 COP b/",
        ),
        (
            "mollie",
            r#"{"resource":"payment-link","id":"pl_1","paidAt":"2021-03-21T09:13:37+00:00","amount":{"value":"24.95","currency":"EUR"}}"#,
            "order APPROVED 2495 EUR pl_1/",
        ),
        (
            "conekta",
            r#"{"object":"error","type":"processing_error","details":[{"code":"conekta.errors.processing.bank.insufficient_funds"}]}"#,
            "payment DECLINED INSUFFICIENT_FUNDS /",
        ),
        (
            "dlocal",
            r#"{"id":"REF1","id_payment":"PAY1","amount":100.0,"amount_refunded":100.0,"currency":"USD","status":"SUCCESS"}"#,
            "refund REFUNDED 10000 USD PAY1/REF1",
        ),
        (
            "gocardless",
            r#"{"events":{"id":"E","created_at":"2014-08-04T12:00:00.000Z","action":"confirmed","resource_type":"payments","links":{"payment":"PM1"}}}"#,
            "payment APPROVED PM1/",
        ),
        (
            "gocardless",
            r#"{"payouts":{"id":"PO1","amount":"1000","currency":"EUR","status":"pending","links":{"creditor":"C"}}}"#,
            "payout NOT_A_PAYMENT 1000 EUR /PO1",
        ),
        (
            "razorpay",
            r#"{"razorpay_payment_id":"pay_1","next":[{"action":"redirect","url":"x"}]}"#,
            "payment PENDING pay_1/",
        ),
        (
            "ebanx",
            r#"{"status":"ERROR","status_code":"BP-DR-0","status_message":"Payment already exists with merchant_payment_code: X"}"#,
            "request FAILED DUPLICATE /",
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
        // Shift4.
        (r#"{"error":{"type":"card_error","code":"card_declined","message":"x","chargeId":"char_1"}}"#, None),
        (r#"{"error":{"type":"card_error","code":"expired_card","message":"x"}}"#, None),
        // Payeezy's page.
        ("x_response_code=1&x_trans_id=5&x_type=auth_capture&exact_ctr=y&Bank_Resp_Code=100", None),
        // An airline, Cash App, keys.
        (r#"{"ticketNumber":"001","transactionReference":"abc","merchantId":"1","status":"ISSUED"}"#, None),
        (
            r#"{"merchant_id":"MMI_1","type":"payment.status.updated","event_id":"e","data":{"object":{"payment":{"id":"PWC_1"}}}}"#,
            None,
        ),
        (
            r#"{"submitTimeUtc":"2023-08-07T13:07:17Z","status":"ACCEPTED","keyInformation":[{"keyId":"1"}]}"#,
            None,
        ),
        // Lists, and what is not the usual thing, of those whose it is.
        (
            r#"{"object":"search_result","data":[{"object":"payment_intent","id":"pi_1","created":1}]}"#,
            Some("stripe"),
        ),
        (
            r#"{"entity":"collection","count":1,"items":[{"entity":"payment","id":"pay_1"}]}"#,
            Some("razorpay"),
        ),
        (r#"{"payments":[{"id":"p","amount_money":{"amount":1,"currency":"USD"}}]}"#, Some("square")),
        (
            r#"{"id":1,"payment_id":2,"amount":5,"refund_mode":"standard","status":"approved"}"#,
            Some("mercadopago"),
        ),
        (r#"{"message":"x","error":"bad_request","status":400,"cause":[]}"#, Some("mercadopago")),
        (
            r#"{"status":422,"title":"x","detail":"y","_links":{"documentation":{"href":"https://docs.mollie.com/errors"}}}"#,
            Some("mollie"),
        ),
        (r#"{"code":"ERROR","error":"x","transactionResponse":null}"#, Some("payu")),
        (r#"{"id":"PAY4","status":"PAID","status_detail":"x","status_code":"200"}"#, Some("dlocal")),
        (
            r#"{"messages":{"resultCode":"Error","message":[{"code":"E00007","text":"x"}]}}"#,
            Some("authorizenet"),
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
