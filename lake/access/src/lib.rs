//! Who may do what. Users with passwords, programs with keys, and people whom another issuer knows; roles; limits on how
//! often one may ask. All of it is kept in the ledger, so that it holds across processes and functions.
//!
//! | kept as | what |
//! |---|---|
//! | `user/<name>` | a user: role, hash of the password, what was revoked |
//! | `key/<id>` | an API key: scopes, hash of the secret |
//! | `used/<id>` | when a key was last used |
//! | `signing/<id>`, `jwks/<id>` | a key that signs tokens: its private and its public half |
//! | `closed/first` | there is an administrator: who says nothing is nobody |
//! | `lockout/…`, `rate/…` | failed log-ins, requests of this minute |
//! | `read/…` | who read what senders of events and trades said, verbatim |

mod crypto;
mod gate;
mod keys;
mod limits;
mod oidc;
mod password;
mod raw_reads;
mod role;
mod tokens;
mod users;

pub use gate::{AccessSettings, Caller, Credentials, Gate, LoginRefused, Refused, Who};
pub use keys::{ApiKey, ApiKeys, Denied, KeyTerms, Scope, UnknownScope};
pub use limits::{Lockout, Rate};
pub use oidc::{Oidc, OidcSettings};
pub use password::{Password, WeakPassword};
pub use raw_reads::RawRead;
pub use role::{Needs, Role, UnknownRole};
pub use tokens::{Issued, TokenError, Tokens};
pub use users::{BadName, User, UserName, Users};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
