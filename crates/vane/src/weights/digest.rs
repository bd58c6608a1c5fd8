//! What a file must be: the hub names large files by SHA-256 and small ones as git does.
//!
//! The name of a blob is its digest, so that a file can be checked by nothing but its name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

const READ_BYTES: usize = 1 << 20;

/// A digest in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256(String),
    /// Of the file with git's word before it, which has its length.
    Git(String),
}

impl Digest {
    /// By its length, which is how blobs are named too.
    pub(super) fn parse(said: &str) -> Option<Self> {
        let said = said.to_ascii_lowercase();
        if !said.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match said.len() {
            64 => Some(Self::Sha256(said)),
            40 => Some(Self::Git(said)),
            _ => None,
        }
    }

    pub(super) fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::Git(hex) => hex,
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::Git(_) => "git hash",
        }
    }

    /// The digest of the same kind of what a file holds.
    pub(super) fn of_file(&self, path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut context = match self {
            Self::Sha256(_) => Context::new(&SHA256),
            Self::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {}\0", file.metadata()?.len()).as_bytes());
                context
            }
        };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => context.update(&buffer[..read]),
            }
        }
        let hex = hex(context.finish().as_ref());
        Ok(match self {
            Self::Sha256(_) => Self::Sha256(hex),
            Self::Git(_) => Self::Git(hex),
        })
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
