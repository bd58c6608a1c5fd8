//! What can go wrong in the ledger, and what to do about it.
//!
//! Every message names the cause and the next step. None carries a key, a secret or an address
//! with a password in it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::account::AccountId;
use crate::audit::Broken;
use crate::book::Refusal;
use crate::member::{Right, Role};
use crate::store::BUSY_SECONDS;

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    // The database.
    #[error(
        "database address not understood: write `sqlite:PATH`, for example `sqlite:vane.db`, or \
         `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
    )]
    Address,
    #[error(
        "address of PostgreSQL not understood: write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, \
         perhaps with `?sslmode=verify-full`; special characters of a password are written as %XX"
    )]
    PostgresAddress,
    #[error("cannot open the database {}: {cause}", path.display())]
    Open {
        path: PathBuf,
        cause: Box<LedgerError>,
    },
    #[error(
        "cannot use {}: {cause}; check that its folder exists and that this user may write there",
        path.display()
    )]
    File { path: PathBuf, cause: io::Error },
    #[error(
        "the database stayed locked by another process for {BUSY_SECONDS} s; \
         stop that process, or try again"
    )]
    Locked,
    #[error("it cannot be opened; check that it is a file which this user may read and write")]
    CannotOpen,
    #[error("the disk is full; free some space, then try again")]
    DiskFull,
    #[error("the database is read-only; give this user write access to the file and its folder")]
    ReadOnly,
    #[error("the file is not a database; point `database` at another path, or restore a backup")]
    NotADatabase,
    #[error("the database is damaged; restore a backup")]
    Corrupt,
    #[error(
        "the file system cannot share memory between processes, which the database needs; \
         move the database to a local disk"
    )]
    NoWriteAheadLog,
    #[error("the database belongs to another program; point `database` at another path")]
    Foreign,
    #[error(
        "the database was written by a newer Vane (schema {found}; this one knows {known}); \
         update Vane, or restore a backup of the older schema"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error(
        "migration {version} ({name}) is not the one that this database was made with; \
         run the Vane that made it, or restore a backup"
    )]
    ChangedMigration { version: i64, name: String },
    #[error("the database refused: {0}")]
    Database(rusqlite::Error),

    // PostgreSQL.
    #[error("cannot open the database at {server}: {cause}")]
    OpenServer {
        server: String,
        cause: Box<LedgerError>,
    },
    #[error("the database server is away: {why}; start it, or check the address")]
    ServerAway { why: String },
    #[error(
        "the database server refuses this: {why}; check user and password, and that the user owns \
         the database or may create tables in its schema"
    )]
    Denied { why: String },
    #[error("TLS to the database server: {why}")]
    Tls { why: String },
    #[error("PostgreSQL {found} is too old; Vane needs 13 or newer")]
    OldServer { found: String },
    #[error(
        "the database is encoded as {found}; make one with `CREATE DATABASE vane ENCODING 'UTF8' \
         TEMPLATE template0`"
    )]
    Encoding { found: String },
    #[error(
        "the search path of the user names no schema that is there; create one, or name another"
    )]
    NoSchema,
    #[error("all connections to the database are in use; try again")]
    NoConnection,
    #[error("others kept changing the same rows; try again")]
    Contended,
    #[error("the database did not answer within its time limit; try again")]
    TooSlow,
    #[error("the database server takes no writes: it is a standby, or set to read only")]
    Standby,
    #[error(
        "the connection to the database broke during a commit, and nobody can say whether it \
         happened; look before trying again"
    )]
    CommitUnknown,
    #[error("this life of instance {instance} is over: nothing may be held, lent or entered by it")]
    LifeOver { instance: i64 },
    #[error(
        "the database fell back: it stands at record {at} of the journal of instance {instance}, and \
         all up to {from} was in it; a standby took over that lacked the last commits, or a backup \
         was restored"
    )]
    FellBack { instance: i64, from: u64, at: u64 },
    #[error("the database refused: {message} ({code})")]
    Postgres { code: String, message: String },

    #[error("the database holds a {what} that this Vane does not understand; update Vane")]
    Unreadable { what: &'static str },

    // The secret.
    #[error("{origin} must be 64 hexadecimal digits (32 random bytes: `openssl rand -hex 32`)")]
    SecretMalformed { origin: String },
    #[error("{} can be read by others (mode {mode:03o}); run `chmod 600` on it", path.display())]
    SecretWide { path: PathBuf, mode: u32 },
    #[error(
        "{} is missing, but the database has keys made with it; restore it, or set VANE_SECRET",
        path.display()
    )]
    SecretMissing { path: PathBuf },
    #[error("this is not the secret that the database was made with; restore the first one")]
    SecretMismatch,
    #[error("the text was not sealed here for this purpose, or was changed since")]
    NotSealed,
    #[error("the cryptography library failed; this machine may lack a source of randomness")]
    Crypto,

    // Accounts and keys.
    #[error("{what} {problem}")]
    Name {
        what: &'static str,
        problem: &'static str,
    },
    #[error("there is an account named {name:?} already; choose another name")]
    AccountExists { name: String },
    #[error("this account has no member {who:?}; list its members to find one")]
    NoSuchMember { who: String },
    #[error("{email} is a member of this account already; change the role instead")]
    MemberExists { email: String },
    #[error("this link was used, or its time is over; ask for another one")]
    LinkOver,
    #[error("this is not the password of that address here")]
    OtherPassword,
    #[error(
        "nobody came in here by this address yet, so there is no password to forget; invite them to an account"
    )]
    NoPassword,
    #[error(
        "this member belongs to other accounts too, or runs this server; whoever runs it makes the link"
    )]
    NotAlone,
    #[error("nobody makes a link for themselves; change the password, or ask another admin")]
    Oneself,
    #[error("this is no address of mail; write it as ann@example.com")]
    Email,
    #[error("the first member of an account is its owner; add an owner first")]
    FirstOwner,
    #[error("an account keeps at least one owner; make another member an owner first")]
    LastOwner,
    #[error(
        "the role {:?} lacks the right {:?}; ask an owner or admin of the account",
        role.as_str(),
        right.as_str()
    )]
    MayNot { role: Role, right: Right },
    #[error("the role {:?} does not reach {:?}; ask an owner", role.as_str(), of.as_str())]
    Above { role: Role, of: Role },
    #[error("the key {id:?} acts for another member, who alone may be told its text")]
    NotTheirs { id: String },
    #[error("an account has at most {max} {what} at a time; end some that nobody needs")]
    TooMany { what: &'static str, max: i64 },
    #[error("there are {max} examples, which is all there may be; drop some")]
    TooManyExamples { max: i64 },
    #[error(
        "there is no finished call {call:?} of this model; a run is an example once it has its receipt, \
         what is none is an illustration"
    )]
    NoSuchRun { call: String },
    #[error("there is no account {0}; list the accounts to find it")]
    NoSuchAccount(AccountId),
    #[error("a prepaid account is made with its opening credit")]
    PrepaidWithoutCredit,
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("more than {max} operations at once")]
    BatchTooLarge { max: usize },
    #[error("the books do not hold, so nothing is removed: {0}; `vane audit` proves all of them")]
    Unsound(Broken),
    #[error("somebody else removed receipts meanwhile; try again")]
    RemovedMeanwhile,
    #[error("there is no stray {n}; list them to find it")]
    NoSuchStray { n: i64 },
    #[error("stray {n} is {state} already")]
    StrayEnded { n: i64, state: String },
    #[error("instance {instance} has not begun a life")]
    NotBegun { instance: i64 },
    #[error(
        "the database knows more of the journal than the journal does; \
         do two instances share a number, or was the journal replaced by an older one?"
    )]
    IngestedBefore,
    #[error("this account has no key {id:?}; list its keys to find it")]
    NoSuchKey { id: String },
    #[error("a key that allows no model is of no use; name at least one, or allow all")]
    NoModels,
    #[error("a key that allows no provider is of no use; name at least one, or allow all")]
    NoProviders,
    #[error("the key {id:?} {how}; make a new one instead")]
    KeyEnded { id: String, how: &'static str },
    #[error("the key {id:?} was replaced already; rotate {by:?}, which took its place")]
    KeyReplaced { id: String, by: String },
}

impl LedgerError {
    /// Whether nothing may be held, lent or entered until another life begins.
    pub(crate) const fn ends_a_life(&self) -> bool {
        matches!(
            self,
            Self::LifeOver { .. } | Self::FellBack { .. } | Self::NotBegun { .. }
        )
    }

    /// Whether what was to be written is at fault, not the database: it would fail again.
    pub(crate) fn is_of_the_rows(&self) -> bool {
        match self {
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
            ),
            // Of data, of constraints, and of what is too long for an index: PostgreSQL's classes of
            // such errors.
            Self::Postgres { code, .. } => ["22", "23", "54"]
                .iter()
                .any(|class| code.starts_with(class)),
            Self::Refused(_) | Self::Unreadable { .. } => true,
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::CannotOpen) => Self::CannotOpen,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt,
            _ => Self::Database(error),
        }
    }
}

impl From<postgres::Error> for LedgerError {
    fn from(error: postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let mut why = error.to_string();
            let mut cause = error.source();
            while let Some(deeper) = cause {
                why += &format!(": {deeper}");
                cause = deeper.source();
            }
            return Self::ServerAway { why };
        };
        let (code, message) = (said.code().code(), said.message().to_owned());
        match code {
            // Also a row that someone else has made meanwhile: the next look finds it.
            "40001" | "40P01" | "23505" => Self::Contended,
            "55P03" => Self::Locked,
            "57014" => Self::TooSlow,
            "53100" => Self::DiskFull,
            "25006" => Self::Standby,
            "XX001" | "XX002" => Self::Corrupt,
            "3D000" | "42501" => Self::Denied { why: message },
            _ if code.starts_with("28") => Self::Denied { why: message },
            // The server goes down, comes up, or has no room for a connection.
            "57P01" | "57P02" | "57P03" | "25P03" | "53300" => Self::ServerAway { why: message },
            _ if code.starts_with("08") => Self::ServerAway { why: message },
            _ => Self::Postgres {
                code: code.to_owned(),
                message,
            },
        }
    }
}

impl From<aws_lc_rs::error::Unspecified> for LedgerError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn each_failure_of_the_database_says_what_to_do() {
        for (code, said) in [
            (ffi::SQLITE_BUSY, "stop that process"),
            (ffi::SQLITE_LOCKED, "stop that process"),
            (ffi::SQLITE_CANTOPEN, "check that it is a file"),
            (ffi::SQLITE_FULL, "free some space"),
            (ffi::SQLITE_READONLY, "give this user write access"),
            (ffi::SQLITE_NOTADB, "not a database"),
            (ffi::SQLITE_CORRUPT, "restore a backup"),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let message = LedgerError::from(error).to_string();
            assert!(message.contains(said), "{code}: {message}");
        }
    }
}
