//! Mercado Pago's words and ours.

use cauce_model::{
    FailureReason::{self, *},
    StatusCategory::{self, *},
};

use super::super::reading::Words;

pub(super) const STATUSES: &Words<StatusCategory> = &[
    ("approved", Approved),
    ("authorized", Authorized),
    ("pending", Pending),
    ("in_process", Pending),
    ("in_mediation", Pending),
    ("rejected", Declined),
    ("cancelled", Cancelled),
    ("refunded", Refunded),
    ("charged_back", Chargeback),
    // Orders and their transactions.
    ("created", Pending),
    ("processing", Pending),
    ("action_required", Pending),
    ("processed", Approved),
    ("failed", Declined),
    ("canceled", Cancelled),
    ("expired", Expired),
    ("partially_refunded", PartiallyRefunded),
];

pub(super) const REFUNDS: &Words<StatusCategory> = &[
    ("approved", Refunded),
    ("processed", Refunded),
    ("refunded", Refunded),
    ("in_process", Pending),
    ("processing", Pending),
    ("pending", Pending),
    ("authorized", Pending),
    ("rejected", Failed),
    ("failed", Failed),
    ("cancelled", Cancelled),
];

/// `status_detail`.
pub(super) const REASONS: &Words<FailureReason> = &[
    ("cc_rejected_insufficient_amount", InsufficientFunds),
    ("insufficient_amount", InsufficientFunds),
    ("cc_rejected_other_reason", BankDecline),
    ("rejected_by_issuer", BankDecline),
    ("rejected_by_bank", BankDecline),
    ("rejected_by_regulations", BankDecline),
    ("cc_rejected_call_for_authorize", BankDecline),
    ("required_call_for_authorize", BankDecline),
    ("bank_error", NetworkError),
    ("cc_rejected_high_risk", Fraud),
    ("high_risk", Fraud),
    ("rejected_high_risk", Fraud),
    ("cc_rejected_blacklist", Fraud),
    ("cc_rejected_bad_filled_date", ExpiredCard),
    ("bad_filled_date", ExpiredCard),
    ("cc_rejected_bad_filled_card_number", InvalidCard),
    ("cc_rejected_bad_filled_security_code", InvalidCard),
    ("cc_rejected_bad_filled_other", InvalidCard),
    ("bad_filled_card_number", InvalidCard),
    ("bad_filled_security_code", InvalidCard),
    ("bad_filled_other", InvalidCard),
    ("cc_rejected_card_disabled", InvalidCard),
    ("card_disabled", InvalidCard),
    ("invalid_card_token", InvalidCard),
    ("cc_rejected_card_error", ProviderError),
    ("cc_rejected_card_type_not_allowed", Configuration),
    ("cc_rejected_invalid_installments", Configuration),
    ("invalid_installments", Configuration),
    ("cc_rejected_3ds_challenge", AuthenticationFailed),
    ("cc_rejected_3ds_mandatory", AuthenticationFailed),
    ("cc_rejected_max_attempts", LimitExceeded),
    ("max_attempts_exceeded", LimitExceeded),
    ("cc_amount_rate_limit_exceeded", LimitExceeded),
    ("amount_limit_exceeded", LimitExceeded),
    ("cc_rejected_card_limit", LimitExceeded),
    ("rejected_insufficient_data", Configuration),
    ("rejected_by_biz_rule", Fraud),
    ("cc_rejected_duplicated_payment", Duplicate),
    ("processing_error", ProviderError),
    ("by_payer", CancelledByUser),
];
