//! What providers sign with: HMACs, compared in constant time, and RSA.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use ring::{
    hmac::{self, Algorithm, Key},
    signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use thiserror::Error;
use x509_cert::{
    Certificate,
    der::{DecodePem, Encode},
    spki::SubjectPublicKeyInfoRef,
};

use crate::document::{self, Bytes, Node};

/// A webhook as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Its headers, names in small letters.
    pub headers: &'a BTreeMap<String, String>,
    /// Its body.
    pub body: &'a [u8],
    /// The part of its address behind the question mark.
    pub query: &'a str,
    /// The address that the provider was given, where its signature covers that.
    pub address: Option<&'a str>,
    /// When it was received.
    pub now: DateTime<Utc>,
    /// The certificate at [`super::Provider::certificate`], in PEM, where the provider has one.
    pub certificate: Option<&'a str>,
}

/// Why a signature is not the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Forged {
    /// There is none.
    #[error("it is not signed")]
    Unsigned,
    /// It is of another secret, or of another body.
    #[error("its signature is not of this body and any of the secrets")]
    Wrong,
    /// It was made too long ago, or is of the future: it may be sent again by somebody who saw it.
    #[error("its signature is {minutes} minutes away from now, and may be sent again by somebody who saw it")]
    Stale {
        /// How far.
        minutes: i64,
    },
    /// The certificate that it names could not be had, or is none.
    #[error("the certificate that it is signed by is not to be had")]
    NoCertificate,
    /// The signature covers an address that is not configured.
    #[error(
        "its signature covers the address that the provider was given; set url in the provider's section"
    )]
    NoAddress,
}

/// How old a signature with a time may be.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

impl Signed<'_> {
    /// What the body says: the same tree that is read from it afterwards.
    pub(super) fn records(&self) -> Result<Vec<Node>, Forged> {
        let content_type = self.headers.get("content-type").map(String::as_str);
        document::read(Bytes { content_type, body: self.body }).map_err(|_| Forged::Unsigned)
    }

    pub(super) fn header(&self, name: &str) -> Result<&str, Forged> {
        self.headers.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or(Forged::Unsigned)
    }

    /// Refuses a time that is of the future, or longer ago than a provider tries again that keeps the first time: three days.
    pub(super) fn is_recent(&self, made: DateTime<Utc>) -> Result<(), Forged> {
        let ago = self.now - made;
        if (-TOLERANCE..=TimeDelta::days(3)).contains(&ago) {
            return Ok(());
        }
        Err(Forged::Stale { minutes: ago.num_minutes() })
    }

    /// Refuses a time that is not about now.
    pub(super) fn is_fresh(&self, made: Option<DateTime<Utc>>) -> Result<(), Forged> {
        let away = self.now - made.ok_or(Forged::Unsigned)?;
        if away.abs() <= TOLERANCE { Ok(()) } else { Err(Forged::Stale { minutes: away.num_minutes() }) }
    }
}

/// How a signature is written.
#[derive(Clone, Copy)]
pub(super) enum Written {
    Hex,
    Base64,
}

/// Whether `said` is the HMAC of `parts`, one after the other, with `secret`.
pub(super) fn is_hmac(
    algorithm: Algorithm,
    secret: &[u8],
    parts: &[&[u8]],
    said: &str,
    written: Written,
) -> Result<(), Forged> {
    let said = match written {
        Written::Hex => unhex(said),
        Written::Base64 => BASE64_STANDARD.decode(said).ok(),
    };
    let said = said.ok_or(Forged::Wrong)?;
    hmac::verify(&Key::new(algorithm, secret), &parts.concat(), &said).map_err(|_| Forged::Wrong)
}

/// Whether `said` is the signature of `message` by the RSA key that `spki` is (PKCS #1 v1.5 with SHA-256), in base64.
fn is_rsa(spki: &SubjectPublicKeyInfoRef<'_>, message: &[u8], said: &str) -> Result<(), Forged> {
    let said = BASE64_STANDARD.decode(said.trim()).map_err(|_| Forged::Wrong)?;
    let key = spki.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, &said).map_err(|_| Forged::Wrong)
}

/// The same by a public key in PEM, whose lines may have become one on its way through an environment.
pub(super) fn is_rsa_of_key(pem: &str, message: &[u8], said: &str) -> Result<(), Forged> {
    let base64: String = pem
        .replace("\\n", "\n")
        .replace("-----BEGIN PUBLIC KEY-----", "")
        .replace("-----END PUBLIC KEY-----", "")
        .split_whitespace()
        .collect();
    let der = BASE64_STANDARD.decode(base64).map_err(|_| Forged::Wrong)?;
    let spki = SubjectPublicKeyInfoRef::try_from(der.as_slice()).map_err(|_| Forged::Wrong)?;
    is_rsa(&spki, message, said)
}

/// The same by a certificate in PEM.
pub(super) fn is_rsa_of_certificate(pem: &str, message: &[u8], said: &str) -> Result<(), Forged> {
    let certificate = Certificate::from_pem(pem).map_err(|_| Forged::NoCertificate)?;
    let key = certificate.tbs_certificate.subject_public_key_info;
    let der = key.to_der().map_err(|_| Forged::NoCertificate)?;
    let spki = SubjectPublicKeyInfoRef::try_from(der.as_slice()).map_err(|_| Forged::NoCertificate)?;
    is_rsa(&spki, message, said)
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.trim().as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// `t=1,v1=ab,v1=cd`: the values of `name`.
pub(super) fn fields<'h>(header: &'h str, name: &str) -> Vec<&'h str> {
    header
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value)
        .collect()
}
