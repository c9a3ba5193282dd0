use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cauce_ledger::{Ledger, LedgerError, update};
use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use crate::{
    ApiKey, ApiKeys, Denied, Issued, Lockout, Needs, Oidc, OidcSettings, Password, Rate, Role, TokenError,
    Tokens, User, UserName, Users, tokens::Claims,
};

/// Who may come in, and how often.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// Market data is for everybody.
    pub public_market: bool,
    /// As long as there is no administrator, whoever says nothing is one. Only where nobody from outside can ask.
    pub open_until_admin: bool,
    /// How long a token is good for.
    pub token_lasts: TimeDelta,
    /// Requests a minute of one key or user.
    pub requests_a_minute: u32,
    /// Requests a minute of one address that does not say who it is.
    pub strangers_a_minute: u32,
    /// Another issuer whose tokens are taken.
    pub oidc: Option<OidcSettings>,
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self {
            public_market: false,
            open_until_admin: false,
            token_lasts: TimeDelta::hours(12),
            requests_a_minute: 600,
            strangers_a_minute: 600,
            oidc: None,
        }
    }
}

/// What somebody brings to say who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// An API key.
    Key(String),
    /// A token: ours or another issuer's.
    Token(String),
    /// Something that is neither, or two things at once.
    Broken,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Key(_) => "Key(…)",
            Self::Token(_) => "Token(…)",
            Self::Broken => "Broken",
        })
    }
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Says nothing of itself.
    Nobody,
    /// Says nothing of itself, on the machine itself, where there is no administrator yet.
    Local,
    /// A user.
    User(UserName),
    /// A program with a key.
    Key(Box<ApiKey>),
    /// Somebody whom another issuer knows by this subject.
    External(String),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Local => f.write_str("local"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Key(key) => write!(f, "key:{}", key.id),
            Self::External(subject) => write!(f, "external:{subject}"),
        }
    }
}

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub who: Who,
    /// What it may; none for nobody, and for keys that may only push.
    pub role: Option<Role>,
    /// The token that said so, if it is one of ours.
    claims: Option<Claims>,
}

impl Caller {
    fn of(who: Who, role: Option<Role>) -> Self {
        Self { who, role, claims: None }
    }

    /// Whether it may push what `source` said.
    pub fn may_ingest(&self, source: &str) -> bool {
        self.role == Some(Role::Admin) || matches!(&self.who, Who::Key(key) if key.may_ingest(source))
    }
}

/// Why somebody does not come in.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is not known who it is.
    #[error("{0}")]
    Unknown(&'static str),
    /// It is known, and may not.
    #[error("{0}")]
    Forbidden(String),
    /// It asks too often.
    #[error("too many requests")]
    TooOften {
        /// How long to wait.
        wait: TimeDelta,
    },
    /// The other issuer can't be asked for its keys.
    #[error("the issuer of the token can't be asked: {0}")]
    Issuer(String),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Why somebody can't log in.
#[derive(Debug, Error)]
pub enum LoginRefused {
    /// The name or the password is wrong, or the user is shut out: which, nobody is told.
    #[error("the name or the password is wrong")]
    Wrong,
    /// It failed too often.
    #[error("too many log-ins failed")]
    Locked {
        /// How long to wait.
        wait: TimeDelta,
    },
    /// The token could not be made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Says who somebody is, and whether it may.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Where all of it is kept.
    pub ledger: Arc<dyn Ledger>,
    /// Our own tokens.
    pub tokens: Tokens,
    settings: AccessSettings,
    oidc: Option<Oidc>,
    rate: Rate,
    is_closed: Arc<AtomicBool>,
}

/// There is an administrator.
const CLOSED: &str = "closed/first";

/// From now on who says nothing is nobody.
pub(crate) async fn close(ledger: &dyn Ledger, now: DateTime<Utc>) -> Result<(), LedgerError> {
    update(ledger, CLOSED, |since: Option<DateTime<Utc>>| (since.is_none().then_some(now), ())).await
}

impl Gate {
    /// In front of what `ledger` belongs to.
    pub fn new(ledger: Arc<dyn Ledger>, settings: AccessSettings) -> Self {
        Self {
            tokens: Tokens::new(Arc::clone(&ledger)),
            rate: Rate::new(Arc::clone(&ledger)),
            oidc: settings.oidc.clone().map(Oidc::new),
            ledger,
            settings,
            is_closed: Arc::default(),
        }
    }

    /// Whether whoever says nothing is an administrator.
    pub async fn is_open(&self) -> Result<bool, LedgerError> {
        if !self.settings.open_until_admin || self.is_closed.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let is_closed = self.ledger.get(CLOSED).await?.is_some();
        self.is_closed.store(is_closed, Ordering::Relaxed);
        Ok(!is_closed)
    }

    /// Whether market data is for everybody.
    pub fn is_market_public(&self) -> bool {
        self.settings.public_market
    }

    /// Lets somebody in who may what is needed, and counts the request. `is_local` says that nobody from outside can have
    /// sent it.
    pub async fn admit(
        &self,
        credentials: Credentials,
        needs: Needs,
        address: Option<IpAddr>,
        is_local: bool,
        now: DateTime<Utc>,
    ) -> Result<Caller, Refused> {
        if needs == Needs::Nothing {
            return Ok(Caller::of(Who::Nobody, None));
        }
        let caller = match self.identify(credentials, is_local, now).await {
            // Who guesses is counted, too.
            Err(Refused::Unknown(why)) => {
                self.count(&Caller::of(Who::Nobody, None), address, now).await?;
                return Err(Refused::Unknown(why));
            }
            identified => identified?,
        };
        self.count(&caller, address, now).await?;
        let may = match needs {
            Needs::Nothing | Needs::Anybody | Needs::Signed => true,
            Needs::Known => caller.who != Who::Nobody,
            Needs::Market if self.settings.public_market => true,
            Needs::Market => caller.role.is_some(),
            Needs::Role(role) => caller.role.is_some_and(|has| has.may(role)),
            // What is pushed is kept for ever: nobody does it by being there.
            Needs::Ingest => {
                caller.who != Who::Local
                    && (caller.role == Some(Role::Admin) || matches!(caller.who, Who::Key(_)))
            }
        };
        match (may, &caller.who) {
            (true, _) => Ok(caller),
            (false, Who::Nobody | Who::Local) => Err(Refused::Unknown("this is not for everybody")),
            (false, who) => Err(Refused::Forbidden(format!("{who} may not do this: it needs {needs}"))),
        }
    }

    async fn identify(
        &self,
        credentials: Credentials,
        is_local: bool,
        now: DateTime<Utc>,
    ) -> Result<Caller, Refused> {
        match credentials {
            Credentials::None if is_local && self.is_open().await? => {
                Ok(Caller::of(Who::Local, Some(Role::Admin)))
            }
            Credentials::None => Ok(Caller::of(Who::Nobody, None)),
            Credentials::Broken => Err(Refused::Unknown("what says who you are can't be read")),
            Credentials::Key(text) => match ApiKeys::check(&*self.ledger, &text, now).await? {
                Ok(key) => {
                    ApiKeys::used(&*self.ledger, &key, now).await?;
                    let role = key.role();
                    Ok(Caller::of(Who::Key(Box::new(key)), role))
                }
                Err(Denied::Unknown) => {
                    Err(Refused::Unknown("this API key is not known; check it for typing errors"))
                }
                Err(Denied::Revoked) => {
                    Err(Refused::Forbidden("this API key was revoked; ask for a new one".into()))
                }
                Err(Denied::Expired) => {
                    Err(Refused::Forbidden("this API key has expired; ask for a new one".into()))
                }
            },
            Credentials::Token(token) => self.of_token(&token, now).await,
        }
    }

    async fn of_token(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Refused> {
        if let Some(claims) = self.tokens.read(token, now).await? {
            let user = Users::get(&*self.ledger, &claims.sub).await?;
            let user = user.filter(|user| user.takes(&claims.jti, claims.generation));
            let Some(user) = user else {
                return Err(Refused::Unknown("this token was taken back; log in again"));
            };
            return Ok(Caller { claims: Some(claims), ..Caller::of(Who::User(user.name), Some(user.role)) });
        }
        let known = match &self.oidc {
            Some(oidc) => oidc.read(token, now).await.map_err(Refused::Issuer)?,
            None => None,
        };
        match known {
            Some(known) => Ok(Caller::of(Who::External(known.subject), known.role)),
            None => Err(Refused::Unknown("this token is not good, or not any more; log in again")),
        }
    }

    async fn count(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(), Refused> {
        let wait = match &caller.who {
            Who::Local => None,
            Who::Nobody => self.rate.take_of_stranger(address, self.settings.strangers_a_minute, now),
            who => {
                let own = if let Who::Key(key) = who { key.per_minute } else { None };
                let most = own.unwrap_or(self.settings.requests_a_minute);
                self.rate.take(&who.to_string(), most, now).await?
            }
        };
        wait.map_or(Ok(()), |wait| Err(Refused::TooOften { wait }))
    }

    /// A token for whoever says the right password.
    pub async fn log_in(
        &self,
        name: &str,
        password: Password,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<(User, Issued), LoginRefused> {
        let ledger = &*self.ledger;
        // The address first: one that is locked does not lock names.
        let tries = [
            address.map(|address| (Lockout::OF_ADDRESS, format!("address {}", network(address)))),
            Some((Lockout::OF_NAME, format!("name {}", name.to_ascii_lowercase()))),
        ];
        let tries: Vec<_> = tries.into_iter().flatten().collect();
        for (lockout, whose) in &tries {
            if let Some(wait) = lockout.attempt(ledger, whose, now).await? {
                return Err(LoginRefused::Locked { wait });
            }
        }
        let known: Option<UserName> = name.parse().ok();
        let user = Users::log_in(ledger, known.as_ref(), password).await?.ok_or(LoginRefused::Wrong)?;
        for (lockout, whose) in &tries {
            lockout.succeeded(ledger, whose).await?;
        }
        let issued = self.tokens.issue(&user, self.settings.token_lasts, now).await?;
        Ok((user, issued))
    }

    /// The token that the caller came with is no good any more. Answers whether it is one of ours.
    pub async fn log_out(&self, caller: &Caller, now: DateTime<Utc>) -> Result<bool, LedgerError> {
        let Some(claims) = &caller.claims else { return Ok(false) };
        Users::revoke(&*self.ledger, &claims.sub, &claims.jti, claims.ends_at(), now).await?;
        Ok(true)
    }
}

/// What one customer has: an address, or of IPv6 its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => (u128::from(address) & !u128::from(u64::MAX)).to_be_bytes().into(),
        address => address,
    }
}
