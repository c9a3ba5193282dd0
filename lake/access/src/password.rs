use std::{fmt, sync::LazyLock};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};

/// A password as somebody says it. It is never shown.
#[derive(Clone)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A password that is no good for a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short to be safe from guessing.
    #[error("a password has {} characters at least", Password::SHORTEST)]
    Short,
    /// So long that hashing it would be an attack.
    #[error("a password has {} bytes at most", Password::LONGEST)]
    Long,
}

impl Password {
    /// Characters at least (NIST SP 800-63B asks for 8, and recommends 15 where there is no second factor).
    pub const SHORTEST: usize = 12;
    /// Bytes at most.
    pub const LONGEST: usize = 1_024;

    /// What somebody says to log in.
    pub fn said(text: String) -> Self {
        Self(text)
    }

    /// What somebody chooses.
    pub fn chosen(text: String) -> Result<Self, WeakPassword> {
        match text {
            text if text.len() > Self::LONGEST => Err(WeakPassword::Long),
            text if text.chars().count() < Self::SHORTEST => Err(WeakPassword::Short),
            text => Ok(Self(text)),
        }
    }

    /// Argon2id with the parameters that the crate recommends (19 MiB, 2 passes), as a PHC string. Takes tens of
    /// milliseconds: on a thread where one may block.
    pub(crate) fn hash(&self) -> Result<String, argon2::password_hash::Error> {
        Ok(Argon2::default().hash_password(self.0.as_bytes())?.to_string())
    }

    /// Whether this is the password of `hash`. Without a hash it takes as long, and is not.
    pub(crate) fn matches(&self, hash: Option<&str>) -> bool {
        static NOBODY: LazyLock<String> =
            LazyLock::new(|| Password("nobody".to_owned()).hash().unwrap_or_default());
        let is_short_enough = self.0.len() <= Self::LONGEST;
        let text = if is_short_enough { self.0.as_bytes() } else { b"" };
        let Ok(parsed) = PasswordHash::new(hash.unwrap_or(&NOBODY)) else { return false };
        let is_right = Argon2::default().verify_password(text, &parsed).is_ok();
        is_right && hash.is_some() && is_short_enough
    }
}
