//! The guard in front of all routes: who asks, whether it may, and whether it asks too often.

mod table;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use cauce_access::{Caller, Credentials, Gate, LoginRefused, Refused};
use cauce_telemetry::REQUESTS_SHED;
use chrono::{TimeDelta, Utc};
pub use table::{Function, ROUTES, Route};
pub(crate) use table::{is_known, needs};

use crate::ApiError;

/// Who can reach this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It listens on loopback: only who is on this machine.
    Loopback,
    /// Everybody.
    Outside,
    /// An emulator of AWS on this machine.
    Emulator,
}

/// What the guard knows.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Says who somebody is.
    pub gate: Gate,
    /// Who can reach it.
    pub door: Door,
}

/// By what right an answer is given, for its tag. Only the guard sets it.
pub(crate) const SCOPE: HeaderName = HeaderName::from_static("cauce-scope");
const API_KEY: &str = "x-api-key";
/// How our keys begin.
const KEY_BEGINS: &str = "cauce_";
/// Where a key may stand in the address.
const WEBHOOKS: &str = "/api/v1/webhooks/{provider}";

/// Lets requests through to routes that their callers may call. Handlers find the [`Caller`] among the extensions.
pub(crate) async fn guarded(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let admitted = admitted(&guard, &request, path.as_str());
    match admitted.await {
        Ok(caller) => {
            let scope = caller.role.map_or("none", cauce_access::Role::name);
            request.headers_mut().insert(SCOPE, HeaderValue::from_static(scope));
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// What is asked of whom. The request itself does not wait: a body can't be shared.
fn admitted(
    guard: &Guard,
    request: &Request,
    path: &str,
) -> impl Future<Output = Result<Caller, ApiError>> + Send {
    let method = request.method();
    let needs = needs(method.as_str(), path).ok_or_else(|| match is_known(path) {
        true => ApiError::WrongMethod { message: format!("{method} is not for {path}") },
        false => ApiError::Forbidden { message: format!("{method} {path} is for nobody") },
    });
    let address = address(request);
    let is_local = match guard.door {
        Door::Outside => false,
        Door::Emulator => true,
        Door::Loopback => is_local(request.headers(), address),
    };
    // Providers are given an address, and some can send nothing else that is ours.
    let in_address = request.uri().query().filter(|_| path == WEBHOOKS);
    let credentials = match (credentials(request.headers()), in_address.and_then(key_in)) {
        (Credentials::None | Credentials::Broken | Credentials::Token(_), Some(key)) => Credentials::Key(key),
        // A password of the provider's own is not for us; what it signed may be.
        (Credentials::Broken, None) if path == WEBHOOKS => Credentials::None,
        (said, _) => said,
    };
    let gate = guard.gate.clone();
    async move {
        let admitted = gate.admit(credentials, needs?, address, is_local, Utc::now()).await;
        admitted.map_err(|refused| {
            tracing::info!(?address, %refused, "refused");
            let error = ApiError::from(refused);
            if matches!(error, ApiError::TooOften { .. }) {
                REQUESTS_SHED.add(["too_often"], 1);
            }
            error
        })
    }
}

/// Where a request comes from, as the server says.
pub(crate) fn address(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

/// Whether a request was made on this machine, for this machine: from loopback, to an address of loopback (a page of another
/// site, whose name was bent to loopback, says its own), and not passed on by a proxy.
fn is_local(headers: &HeaderMap, address: Option<IpAddr>) -> bool {
    let passed_on = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];
    if !address.is_some_and(|address| address.is_loopback())
        || passed_on.iter().any(|name| headers.contains_key(*name))
    {
        return false;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(host, _)| host);
    let named =
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    // A page of another site may post to us, but its browser says where it is from.
    let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
    let is_ours = origin.is_none_or(|origin| {
        let origin = std::str::from_utf8(origin).unwrap_or_default();
        origin.strip_prefix("http://").is_some_and(|origin| {
            Some(origin.as_bytes()) == headers.get(header::HOST).map(HeaderValue::as_bytes)
        })
    });
    named && is_ours
}

/// A key in the query of an address.
fn key_in(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, key)| name == "key" && key.starts_with(KEY_BEGINS)).map(|(_, key)| key.into_owned())
}

/// A key as the password of `Authorization: Basic`.
fn key_of_basic(said: &str) -> Option<String> {
    let said = BASE64_STANDARD.decode(said.trim()).ok().and_then(|said| String::from_utf8(said).ok())?;
    said.split_once(':').map(|(_, password)| password.to_owned()).filter(|key| key.starts_with(KEY_BEGINS))
}

/// What a request says of its caller: `X-Api-Key`, or `Authorization` with a key or a token (`Bearer`), or with a key as the
/// password (`Basic`).
fn credentials(headers: &HeaderMap) -> Credentials {
    let one = |name: &str| -> Result<Option<&str>, ()> {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            (Some(_), Some(_)) => Err(()),
        }
    };
    let (Ok(key), Ok(authorization)) = (one(API_KEY), one(header::AUTHORIZATION.as_str())) else {
        return Credentials::Broken;
    };
    match (key, authorization) {
        (None, None) => Credentials::None,
        (Some(key), None) => Credentials::Key(key.trim().to_owned()),
        (None, Some(authorization)) => match authorization.split_once(' ') {
            Some((scheme, said)) if scheme.eq_ignore_ascii_case("bearer") && !said.trim().is_empty() => {
                let said = said.trim().to_owned();
                if said.starts_with(KEY_BEGINS) { Credentials::Key(said) } else { Credentials::Token(said) }
            }
            Some((scheme, said)) if scheme.eq_ignore_ascii_case("basic") => {
                key_of_basic(said).map_or(Credentials::Broken, Credentials::Key)
            }
            _ => Credentials::Broken,
        },
        (Some(_), Some(_)) => Credentials::Broken,
    }
}

fn seconds(wait: TimeDelta) -> u64 {
    u64::try_from(wait.num_milliseconds().div_euclid(1_000) + 1).unwrap_or(1)
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown(message) => Self::Unauthorized { message: message.to_owned() },
            Refused::Forbidden(message) => Self::Forbidden { message },
            Refused::TooOften { wait } => Self::TooOften {
                message: "more requests than one may make in a minute".to_owned(),
                seconds: seconds(wait),
            },
            Refused::Issuer(_) => Self::Busy { message: refused.to_string() },
            Refused::Ledger(error) => Self::Internal { message: error.to_string() },
        }
    }
}

impl From<LoginRefused> for ApiError {
    fn from(refused: LoginRefused) -> Self {
        match refused {
            LoginRefused::Wrong => Self::Unauthorized { message: refused.to_string() },
            LoginRefused::Locked { wait } => {
                Self::TooOften { message: "too many log-ins failed".to_owned(), seconds: seconds(wait) }
            }
            LoginRefused::Token(error) => Self::Internal { message: error.to_string() },
            LoginRefused::Ledger(error) => Self::Internal { message: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn local_is_who_asks_this_machine_on_this_machine() {
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "localhost"] {
            assert!(is_local(&headers(&[("host", host)]), here), "{host}");
        }
        let bent = headers(&[("host", "evil.example:8080")]);
        let passed_on = headers(&[("host", "localhost"), ("x-forwarded-for", "203.0.113.9")]);
        let other_page = headers(&[("host", "localhost:8080"), ("origin", "https://evil.example")]);
        for (case, address) in [(&bent, here), (&passed_on, here), (&other_page, here)] {
            assert!(!is_local(case, address), "{case:?}");
        }
        assert!(!is_local(&headers(&[("host", "localhost")]), Some(IpAddr::from([203, 0, 113, 9]))));
        assert!(!is_local(&headers(&[("host", "localhost")]), None));
        let own = headers(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")]);
        assert!(is_local(&own, here));
    }

    #[test]
    fn two_identities_at_once_are_none() {
        let said = |lines| credentials(&headers(lines));
        assert_eq!(said(&[]), Credentials::None);
        assert_eq!(said(&[("x-api-key", "cauce_1_2")]), Credentials::Key("cauce_1_2".to_owned()));
        // hook:cauce_1_2, and somebody else's password.
        assert_eq!(
            said(&[("authorization", "Basic aG9vazpjYXVjZV8xXzI=")]),
            Credentials::Key("cauce_1_2".to_owned())
        );
        assert_eq!(said(&[("authorization", "Basic aG9vazpzZWNyZXQ=")]), Credentials::Broken);
        assert_eq!(key_in("a=b&key=cauce_1_2"), Some("cauce_1_2".to_owned()));
        assert_eq!(key_in("key=other"), None);
        assert_eq!(
            said(&[("authorization", "bearer  cauce_1_2 ")]),
            Credentials::Key("cauce_1_2".to_owned())
        );
        assert_eq!(said(&[("authorization", "Bearer a.b.c")]), Credentials::Token("a.b.c".to_owned()));
        for broken in [
            &[("authorization", "Basic dTpw")][..],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer a.b.c"), ("authorization", "Bearer d.e.f")],
            &[("x-api-key", "cauce_1_2"), ("authorization", "Bearer a.b.c")],
        ] {
            assert_eq!(said(broken), Credentials::Broken, "{broken:?}");
        }
    }
}
