//! PayPal's words and ours.

use cauce_model::{
    FailureReason::{self, *},
    StatusCategory::{self, *},
};

use super::super::reading::Words;

/// Orders.
pub(super) const STATUSES: &Words<StatusCategory> = &[
    ("CREATED", Pending),
    ("SAVED", Pending),
    ("APPROVED", Pending),
    ("PAYER_ACTION_REQUIRED", Pending),
    ("PENDING", Pending),
    ("COMPLETED", Approved),
    ("VOIDED", Cancelled),
];

pub(super) const CAPTURES: &Words<StatusCategory> = &[
    ("COMPLETED", Approved),
    ("CAPTURED", Approved),
    ("PENDING", Pending),
    ("DECLINED", Declined),
    ("DENIED", Declined),
    ("FAILED", Failed),
    ("REFUNDED", Refunded),
    ("PARTIALLY_REFUNDED", PartiallyRefunded),
    ("REVERSED", Chargeback),
    ("EXPIRED", Expired),
    ("VOIDED", Cancelled),
];

pub(super) const AUTHORIZATIONS: &Words<StatusCategory> = &[
    ("CREATED", Authorized),
    ("AUTHORIZED", Authorized),
    ("CAPTURED", Approved),
    ("PARTIALLY_CAPTURED", Approved),
    ("PENDING", Pending),
    ("DENIED", Declined),
    ("EXPIRED", Expired),
    ("VOIDED", Cancelled),
];

pub(super) const REFUNDS: &Words<StatusCategory> =
    &[("COMPLETED", Refunded), ("PENDING", Pending), ("FAILED", Failed), ("CANCELLED", Cancelled)];

/// Processor response codes, status details and issues of the REST API; error codes of the classic one.
pub(super) const REASONS: &Words<FailureReason> = &[
    ("0500", BankDecline),
    ("1000", BankDecline),
    ("1330", InvalidCard),
    ("5100", BankDecline),
    ("5110", InvalidCard),
    ("5120", InsufficientFunds),
    ("5130", InvalidCard),
    ("5140", InvalidCard),
    ("5150", InvalidCard),
    ("5170", InvalidCard),
    ("5180", InvalidCard),
    ("5400", ExpiredCard),
    ("5650", AuthenticationFailed),
    ("5700", BankDecline),
    ("5900", InvalidCard),
    ("5910", InvalidCard),
    ("5920", InvalidCard),
    ("5930", InvalidCard),
    ("9100", BankDecline),
    ("9500", Fraud),
    ("9510", Fraud),
    ("9520", Fraud),
    ("9530", Fraud),
    ("9540", BankDecline),
    ("9600", Fraud),
    ("INSTRUMENT_DECLINED", BankDecline),
    ("PAYMENT_DENIED", BankDecline),
    ("INSUFFICIENT_FUNDS", InsufficientFunds),
    ("CARD_EXPIRED", ExpiredCard),
    ("PAYER_CANNOT_PAY", BankDecline),
    ("TRANSACTION_REFUSED", BankDecline),
    ("COMPLIANCE_VIOLATION", Fraud),
    ("DUPLICATE_INVOICE_ID", Duplicate),
    ("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", LimitExceeded),
    ("10417", BankDecline),
    ("10486", BankDecline),
    ("10502", ExpiredCard),
    ("10504", InvalidCard),
    ("10508", ExpiredCard),
    ("10510", Configuration),
    ("10519", InvalidCard),
    ("10521", InvalidCard),
    ("10527", InvalidCard),
    ("10535", InvalidCard),
    ("10541", BankDecline),
    ("10544", BankDecline),
    ("10562", ExpiredCard),
    ("10748", InvalidCard),
    ("10754", BankDecline),
    ("10762", InvalidCard),
    ("15001", LimitExceeded),
    ("15002", BankDecline),
    ("15004", InvalidCard),
    ("15005", BankDecline),
    ("15006", ExpiredCard),
    ("15007", ExpiredCard),
    ("15011", BankDecline),
];
