//! Payment providers: who speaks, and what it says in ours.
//!
//! A provider is one file here and a line in [`all`]. Its file holds how its documents are told from others', its tables
//! of words and ours, its exceptions in minor units, and its reader. Everything is pure: a tree in, readings out.
//!
//! Evidence for the words is in each file: the provider's public documentation, and payloads seen.

mod adyen;
mod authorizenet;
mod braintree;
mod checkout;
mod conekta;
mod cybersource;
mod detection;
mod dlocal;
mod ebanx;
mod gocardless;
mod kushki;
mod mercadopago;
mod mollie;
mod openpay;
mod paypal;
mod payu;
mod razorpay;
mod reading;
mod signature;
mod square;
mod stripe;
mod wompi;
mod words;
mod worldpay;

use std::fmt::Debug;

use cauce_model::{FailureReason, Reading, StatusCategory, Subject, Totals};
pub use detection::{Detected, Evidence, Sent, detect};
pub use signature::{Forged, Signed};

use crate::document::Node;

/// Every provider whose events Cauce understands. Adding one is its file and a line here.
pub fn all() -> &'static [&'static dyn Provider] {
    &[
        &stripe::Stripe,
        &adyen::Adyen,
        &mercadopago::MercadoPago,
        &payu::PayU,
        &dlocal::DLocal,
        &kushki::Kushki,
        &paypal::PayPal,
        &braintree::Braintree,
        &worldpay::Worldpay,
        &checkout::Checkout,
        &conekta::Conekta,
        &openpay::Openpay,
        &wompi::Wompi,
        &ebanx::Ebanx,
        &mollie::Mollie,
        &square::Square,
        &razorpay::Razorpay,
        &authorizenet::AuthorizeNet,
        &cybersource::CyberSource,
        &gocardless::GoCardless,
    ]
}

/// The provider of this name.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    all().iter().copied().find(|provider| provider.name() == name)
}

/// Whether what was received is signed with one of the provider's secrets: more than one while they are changed.
pub fn verify<'s>(
    provider: &dyn Provider,
    signed: &Signed<'_>,
    secrets: impl IntoIterator<Item = &'s str>,
) -> Result<(), Forged> {
    let mut forged = Forged::Unsigned;
    for secret in secrets {
        match provider.verify(signed, secret) {
            Ok(()) => return Ok(()),
            Err(why) => forged = why,
        }
    }
    Err(forged)
}

/// A path of ids, which may not be more than that.
fn path(parts: &[&str], id: &str) -> Option<String> {
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    is_id.then(|| parts.iter().chain([&id]).map(|part| format!("/{part}")).collect())
}

/// What a provider's rules say of a record.
pub fn read(provider: &dyn Provider, record: &Node) -> Vec<Reading> {
    let mut readings = provider.read(record);
    // An amount beside something that is no money moved, such as a card's verification, is nobody's.
    for reading in readings.iter_mut().filter(|reading| reading.subject == Subject::Other) {
        reading.money = None;
        reading.totals = Totals::default();
    }
    readings
}

/// What is known of a provider, as data.
#[derive(Debug)]
pub struct About {
    /// Its name in addresses, keys and columns: small letters, digits and `_`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Headers that only this provider sends with its webhooks, in small letters.
    pub headers: &'static [&'static str],
    /// Whether it signs what it sends, in a way that [`Provider::verify`] can tell.
    pub signs: bool,
    /// What tells its documents from those of others: each a weight, what is seen, and how. Weights add up; 60 and more is
    /// enough, if nobody else comes near.
    pub marks: &'static [Mark],
    /// Its words for statuses and ours, for the documentation.
    pub statuses: &'static [(&'static str, StatusCategory)],
    /// Its words for failures and ours, for the documentation.
    pub reasons: &'static [(&'static str, FailureReason)],
}

/// One provider.
pub trait Provider: Debug + Sync {
    /// What is known of it.
    fn about(&self) -> &'static About;

    /// Its name in addresses, keys and columns.
    fn name(&self) -> &'static str {
        self.about().name
    }

    /// Whether what was received is signed with `secret`. Asked only where it signs.
    fn verify(&self, _signed: &Signed<'_>, _secret: &str) -> Result<(), Forged> {
        Err(Forged::Unsigned)
    }

    /// Where the certificate is by which what was received says that it is signed; only an address of the provider's own.
    fn certificate(&self, _signed: &Signed<'_>) -> Option<String> {
        None
    }

    /// Where its API answers, if it is asked for what its webhooks only name.
    fn api(&self) -> Option<&'static str> {
        None
    }

    /// Below [`Provider::api`], what this record only names. It is asked for with a key of the API (`Authorization: Bearer`).
    fn named_by(&self, _record: &Node) -> Option<String> {
        None
    }

    /// Reads a record; [`read`] is for everybody else. None: the rules don't know this shape.
    fn read(&self, record: &Node) -> Vec<Reading>;
}

/// Something in a document that speaks for a provider.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// How much it says, of 100.
    pub weight: u32,
    /// What is seen.
    pub what: &'static str,
    /// Whether it is there.
    pub is_there: fn(&Node) -> bool,
}
