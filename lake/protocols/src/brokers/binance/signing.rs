//! How requests to Binance are signed: the query, by HMAC-SHA256 in hex or by Ed25519 in Base64, as the last parameter
//! (its documentation, "SIGNED endpoint security"). What the secret is says which: a private key in PEM is of Ed25519.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};

use super::super::connector::Login;

/// What signs.
pub(super) enum Signer {
    Hmac(hmac::Key),
    Ed25519(Ed25519KeyPair),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hmac(_) => f.write_str("Hmac"),
            Self::Ed25519(pair) => write!(f, "Ed25519({:?})", pair.public_key()),
        }
    }
}

impl Signer {
    pub(super) fn of(login: &Login) -> Result<Self, String> {
        let secret = login.secret.trim();
        let Some(body) = secret.strip_prefix("-----BEGIN PRIVATE KEY-----") else {
            return match secret.starts_with("-----BEGIN") {
                true => {
                    Err("the secret is a private key that is not PKCS #8 (BEGIN PRIVATE KEY); Binance takes \
                             Ed25519 and HMAC here"
                        .to_owned())
                }
                false => Ok(Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))),
            };
        };
        let body: String = body.split("-----END").next().unwrap_or_default().split_whitespace().collect();
        // In one line of an environment, ends of lines are often written out.
        let der = BASE64_STANDARD
            .decode(body.replace("\\n", ""))
            .map_err(|error| format!("the private key is no PEM: {error}"))?;
        // OpenSSL writes no public key beside the private one.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map(Self::Ed25519)
            .map_err(|error| format!("the private key is none of Ed25519: {error}"))
    }

    /// The query with its signature.
    pub(super) fn signed(&self, query: &str) -> String {
        let signature = match self {
            Self::Hmac(key) => {
                hmac::sign(key, query.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Self::Ed25519(pair) => BASE64_STANDARD.encode(pair.sign(query.as_bytes())),
        };
        let mut signed = form_urlencoded::Serializer::new(query.to_owned());
        signed.append_pair("signature", &signature);
        signed.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in Binance's documentation.
    #[test]
    fn hmac_signs_as_documented() {
        let login = Login {
            key: String::new(),
            secret: "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j".to_owned(),
        };
        let query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000\
                     &timestamp=1499827319559";
        let signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        assert_eq!(Signer::of(&login).unwrap().signed(query), format!("{query}&signature={signature}"));
    }

    #[test]
    fn another_kind_of_key_is_refused_with_what_it_should_be() {
        for secret in [
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA",
        ] {
            let login = Login { key: String::new(), secret: secret.to_owned() };
            assert!(Signer::of(&login).unwrap_err().contains("Ed25519"));
        }
    }
}
