//! Passwords: their length, their hashes, and how much work is done for them at a time.
//!
//! Argon2id by the parameters that OWASP names first for it: 19 MiB, two passes. Each runs off the
//! workers, so many at a time. Invariant: a password of nobody costs the same work as one of
//! somebody, so that time does not tell who has an account.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use tokio::sync::Semaphore;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Each takes a processor for some hundredths of a second.
const AT_ONCE: usize = 2;
/// Who comes when so many wait is told to come back.
const WAITING_MAX: usize = 64;

pub(super) const CHARS_MIN: usize = 10;
pub(super) const CHARS_MAX: usize = 256;

/// What the password of nobody is compared with.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hashed("of nobody at all").ok());

pub(super) struct Passwords {
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            running: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    /// The hash of a new password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, Fault> {
        long_enough(password)?;
        let password = password.to_owned();
        self.work(move || hashed(&password)).await?
    }

    /// Whether a password is the one of a hash. Without a hash it is not, after the same work.
    pub(super) async fn matches(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Fault> {
        let password: String = password.chars().take(CHARS_MAX + 1).collect();
        self.work(move || {
            let is_somebodys = hash.is_some();
            let hash = hash.or_else(|| NOBODYS.clone()).unwrap_or_default();
            let parsed = PasswordHash::new(&hash);
            let checked = parsed.map(|hash| argon().verify_password(password.as_bytes(), &hash));
            matches!(checked, Ok(Ok(()))) && is_somebodys
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let waiting = self.waiting.clone().try_acquire_owned();
        let waiting = waiting.map_err(|_| {
            let message = "too many people sign in at this moment: try again";
            Fault::new(Kind::Unavailable, Blame::Us, message)
        })?;
        let running = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| failed())?;
        let done = tokio::task::spawn_blocking(move || {
            // Held to the end also when nobody waits for the answer any more.
            let _places = (waiting, running);
            work()
        });
        done.await.map_err(|_| failed())
    }
}

/// Letters are counted, not bytes, and any are welcome.
fn long_enough(password: &str) -> Result<(), Fault> {
    match password.chars().count() {
        CHARS_MIN..=CHARS_MAX => Ok(()),
        _ => {
            let message =
                format!("a password has {CHARS_MIN} to {CHARS_MAX} characters, any of them");
            Err(Fault::invalid("password", message))
        }
    }
}

fn argon() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hashed(password: &str) -> Result<String, Fault> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| failed())?;
    let hash: Result<PasswordHash, _> = argon().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| failed())
}

fn failed() -> Fault {
    Fault::new(
        Kind::Internal,
        Blame::Us,
        "the password could not be checked",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_hashed_with_salt_and_found_again() {
        let passwords = Passwords::default();
        let [one, two] = ["correct horse", "correct horse"].map(|text| passwords.hash(text));
        let (one, two) = (one.await.unwrap(), two.await.unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(
            passwords
                .matches("correct horse", Some(one.clone()))
                .await
                .unwrap()
        );
        assert!(!passwords.matches("correct horsf", Some(one)).await.unwrap());
        assert!(
            !passwords
                .matches("correct horse", Some(String::new()))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn s16_the_password_of_nobody_is_never_right() {
        let passwords = Passwords::default();
        assert!(NOBODYS.is_some());
        assert!(!passwords.matches("of nobody at all", None).await.unwrap());
    }

    #[test]
    fn length_is_the_only_rule() {
        for (password, fits) in [
            ("123456789", false),
            ("1234567890", true),
            ("ééééé éééé", true),
            (&"x".repeat(256), true),
            (&"x".repeat(257), false),
        ] {
            assert_eq!(long_enough(password).is_ok(), fits, "{password}");
        }
    }
}
