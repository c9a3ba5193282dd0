//! Stripe's words and ours.

use cauce_model::{
    FailureReason::{self, *},
    StatusCategory::{self, *},
};

use super::super::reading::Words;

/// Payment intents and charges. `requires_payment_method` is pending or declined: see `intent` in the reader.
pub(super) const STATUSES: &Words<StatusCategory> = &[
    ("succeeded", Approved),
    ("requires_capture", Authorized),
    ("processing", Pending),
    ("chargeable", Pending),
    ("consumed", Pending),
    ("pending", Pending),
    ("requires_action", Pending),
    ("requires_source_action", Pending),
    ("requires_confirmation", Pending),
    ("requires_payment_method", Pending),
    ("requires_source", Pending),
    ("canceled", Cancelled),
    ("failed", Failed),
];

pub(super) const REFUNDS: &Words<StatusCategory> = &[
    ("succeeded", Refunded),
    ("pending", Pending),
    ("requires_action", Pending),
    ("failed", Failed),
    ("canceled", Cancelled),
];

pub(super) const DISPUTES: &Words<StatusCategory> = &[
    ("needs_response", Chargeback),
    ("under_review", Chargeback),
    ("charge_refunded", Chargeback),
    ("lost", Chargeback),
    ("won", Approved),
    ("prevented", Approved),
    ("warning_needs_response", Pending),
    ("warning_under_review", Pending),
    ("warning_closed", Approved),
];

/// Decline codes and error codes.
pub(super) const REASONS: &Words<FailureReason> = &[
    ("insufficient_funds", InsufficientFunds),
    ("generic_decline", BankDecline),
    ("card_declined", BankDecline),
    ("do_not_honor", BankDecline),
    ("do_not_try_again", BankDecline),
    ("call_issuer", BankDecline),
    ("no_action_taken", BankDecline),
    ("not_permitted", BankDecline),
    ("card_not_supported", BankDecline),
    ("restricted_card", InvalidCard),
    ("revocation_of_all_authorizations", BankDecline),
    ("revocation_of_authorization", BankDecline),
    ("security_violation", BankDecline),
    ("service_not_allowed", BankDecline),
    ("stop_payment_order", BankDecline),
    ("transaction_not_allowed", BankDecline),
    ("try_again_later", BankDecline),
    ("fraudulent", Fraud),
    ("lost_card", Fraud),
    ("stolen_card", Fraud),
    ("pickup_card", Fraud),
    ("merchant_blacklist", Fraud),
    ("expired_card", ExpiredCard),
    ("incorrect_number", InvalidCard),
    ("invalid_number", InvalidCard),
    ("incorrect_cvc", InvalidCard),
    ("invalid_cvc", InvalidCard),
    ("incorrect_pin", InvalidCard),
    ("incorrect_zip", InvalidCard),
    ("incorrect_address", InvalidCard),
    ("invalid_pin", InvalidCard),
    ("invalid_expiry_month", InvalidCard),
    ("invalid_expiry_year", InvalidCard),
    ("invalid_account", InvalidCard),
    ("new_account_information_available", InvalidCard),
    ("pin_try_exceeded", LimitExceeded),
    ("authentication_required", AuthenticationFailed),
    ("authentication_not_handled", AuthenticationFailed),
    ("payment_intent_authentication_failure", AuthenticationFailed),
    ("setup_intent_authentication_failure", AuthenticationFailed),
    ("online_or_offline_pin_required", AuthenticationFailed),
    ("card_velocity_exceeded", LimitExceeded),
    ("withdrawal_count_limit_exceeded", LimitExceeded),
    ("approve_with_id", BankDecline),
    ("processing_error", ProviderError),
    ("issuer_not_available", NetworkError),
    ("reenter_transaction", ProviderError),
    ("currency_not_supported", Configuration),
    ("testmode_decline", Configuration),
    ("invalid_amount", Configuration),
    ("api_key_expired", Configuration),
    ("duplicate_transaction", Duplicate),
    ("mobile_device_authentication_required", AuthenticationFailed),
    ("offline_pin_required", AuthenticationFailed),
    ("card_decline_rate_limit_exceeded", LimitExceeded),
    ("amount_too_large", LimitExceeded),
    ("amount_too_small", Configuration),
    ("payment_method_provider_decline", BankDecline),
    ("payment_method_provider_timeout", Timeout),
    // Accounts at banks.
    ("account_closed", InvalidCard),
    ("no_account", InvalidCard),
    ("bank_account_unusable", InvalidCard),
    ("debit_not_authorized", BankDecline),
    // Of refunds that failed.
    ("expired_or_canceled_card", ExpiredCard),
    ("lost_or_stolen_card", Fraud),
    // What its own risk rules say.
    ("highest_risk_level", Fraud),
    ("elevated_risk_level", Fraud),
    ("rule", Fraud),
];

/// Kinds of errors of the API which are no declines.
pub(super) const CALLS: &Words<FailureReason> = &[
    ("invalid_request_error", Configuration),
    // A key of idempotency that was used for something else.
    ("idempotency_error", Configuration),
    ("authentication_error", Configuration),
    ("rate_limit_error", LimitExceeded),
    ("api_error", ProviderError),
    ("api_connection_error", NetworkError),
];
