//! One file, from a server that may cut, stall, forget or lie, into a part that is gone on with.
//!
//! Invariant: a part becomes a blob only after its digest was compared with what the hub said it is,
//! where the hub said so. What is known to be wrong is thrown away; all else is kept for the next time.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use vane_engine::Model;

use super::digest::{Digest, sha256_hex};
use super::hub::{Answer, Hub, Setback};
use super::room;
use super::trouble::Trouble;

/// A file that is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its path in the snapshot.
    pub path: String,
    pub bytes: Option<u64>,
    pub(super) uri: Uri,
    pub(super) digest: Option<Digest>,
}

/// What is told while weights come.
#[derive(Debug)]
pub enum Step<'a> {
    /// Another pull of the same model holds its folder.
    Waits,
    Begins {
        path: &'a str,
        /// What is here of it.
        kept: u64,
        bytes: Option<u64>,
    },
    Came {
        done: u64,
        bytes: Option<u64>,
    },
    Again {
        why: &'a str,
        pause: Duration,
    },
    Checks {
        path: &'a str,
    },
}

pub(super) type Tell<'t> = &'t mut (dyn FnMut(Step<'_>) + Send);

const PAUSE_MAX: Duration = Duration::from_secs(30);
/// What describes a model stands before its numbers: it is looked for when so much is here, and again
/// at four times that, up to so much.
const LOOK_BYTES: u64 = 64 << 10;
const LOOK_BYTES_MAX: u64 = 64 << 20;

pub(super) struct Fetch<'a> {
    hub: &'a Hub,
    wanted: &'a Wanted,
    blobs: &'a Path,
    part: PathBuf,
    etag: PathBuf,
    /// Bytes of the part.
    got: u64,
    bytes: Option<u64>,
    digest: Option<Digest>,
    /// Not all of the part came in one answer.
    is_patched: bool,
    /// The whole has had its one chance.
    is_anew: bool,
    /// When so much is here, it is looked at.
    looks_at: u64,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(hub: &'a Hub, wanted: &'a Wanted, blobs: &'a Path) -> Self {
        let key = match &wanted.digest {
            Some(digest) => digest.hex().to_owned(),
            None => format!("url-{}", sha256_hex(wanted.uri.to_string().as_bytes())),
        };
        let part = blobs.join(format!("{key}.part"));
        let mut fetch = Self {
            hub,
            wanted,
            blobs,
            etag: blobs.join(format!("{key}.etag")),
            got: fs::metadata(&part).map_or(0, |part| part.len()),
            part,
            bytes: wanted.bytes,
            digest: wanted.digest.clone(),
            is_patched: false,
            is_anew: false,
            looks_at: LOOK_BYTES,
        };
        let is_over = fetch.bytes.is_some_and(|bytes| fetch.got > bytes);
        // Without a digest, only the server can say whether it still has the same file.
        let is_unsure = fetch.digest.is_none() && fetch.known_etag().is_none();
        if is_over || is_unsure {
            fetch.discard();
        }
        fetch.is_patched = fetch.got > 0;
        fetch
    }

    /// What is here of it.
    pub(super) fn kept(&self) -> u64 {
        self.got
    }

    /// Brings the file, and says which blob it is.
    pub(super) async fn run(mut self, tell: Tell<'_>) -> Result<Digest, Trouble> {
        tell(Step::Begins {
            path: &self.wanted.path,
            kept: self.got,
            bytes: self.bytes,
        });
        loop {
            self.all(tell).await?;
            tell(Step::Checks {
                path: &self.wanted.path,
            });
            let wanted = self.digest.clone();
            let kind = wanted.clone().unwrap_or(Digest::Sha256(String::new()));
            let found = kind
                .of_file(&self.part)
                .map_err(Trouble::file(&self.part))?;
            if wanted.as_ref().is_none_or(|wanted| *wanted == found) {
                let blob = self.blobs.join(found.hex());
                fs::rename(&self.part, &blob).map_err(Trouble::file(&blob))?;
                let _ = fs::remove_file(&self.etag);
                return Ok(found);
            }
            let has_chance = self.is_patched && !self.is_anew;
            self.is_anew = true;
            self.discard();
            if !has_chance {
                return Err(Trouble::Corrupt {
                    file: self.wanted.path.clone(),
                    kind: kind.kind(),
                    found: found.hex().to_owned(),
                    wanted: kind.hex().to_owned(),
                });
            }
            // Of two halves one may be another file's: the whole gets one chance.
            tell(Step::Again {
                why: "what was gone on with is not the same file",
                pause: Duration::ZERO,
            });
        }
    }

    /// Asks until all bytes are here, for as long as that gets on.
    async fn all(&mut self, tell: Tell<'_>) -> Result<(), Trouble> {
        let patience = self.hub.patience;
        let (mut failed, mut most) = (0_u32, self.got);
        loop {
            if self.bytes == Some(self.got) {
                let part = File::open(&self.part).or_else(|_| File::create(&self.part));
                let synced = part.and_then(|part| part.sync_all());
                return synced.map_err(Trouble::file(&self.part));
            }
            let (why, after) = match self.once(tell).await {
                Ok(()) => continue,
                Err(Setback::Final(trouble)) => return Err(trouble),
                Err(Setback::Passing { why, after }) => (why, after),
            };
            // A server that begins anew each time gets nobody further.
            failed = if self.got > most { 1 } else { failed + 1 };
            most = most.max(self.got);
            if failed >= patience.tries {
                return Err(Trouble::Broken {
                    what: self.wanted.path.clone(),
                    tries: failed,
                    why,
                });
            }
            let doubled = patience.pause * 2_u32.saturating_pow(failed - 1);
            let pause = after.unwrap_or(doubled.min(PAUSE_MAX));
            tell(Step::Again { why: &why, pause });
            tokio::time::sleep(pause).await;
        }
    }

    /// One request, and as much of its answer as comes.
    async fn once(&mut self, tell: Tell<'_>) -> Result<(), Setback> {
        let headers = self.headers();
        let asked = self.hub.get(&self.wanted.uri, &headers, &self.wanted.path);
        let mut answer = asked.await?;
        self.digest = self.digest.take().or(answer.digest.take());
        if answer.response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            self.discard();
            let why = "it is not as long any more as what is here of it".to_owned();
            return Err(Setback::Passing { why, after: None });
        }
        self.begin(&answer)?;
        let part = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.part);
        let mut part = part.map_err(Trouble::file(&self.part))?;
        // Blocking writes: a pull has the process to itself.
        while let Some(data) = self.hub.read(answer.response.body_mut()).await? {
            let came = u64::try_from(data.len()).unwrap_or(u64::MAX);
            if self
                .bytes
                .is_none_or(|bytes| self.got.saturating_add(came) > bytes)
            {
                self.discard();
                return Err(Setback::Final(Trouble::Flood {
                    host: answer.host,
                    file: self.wanted.path.clone(),
                }));
            }
            part.write_all(&data).map_err(Trouble::file(&self.part))?;
            self.got += came;
            tell(Step::Came {
                done: self.got,
                bytes: self.bytes,
            });
            self.look()?;
        }
        match self.bytes == Some(self.got) {
            true => Ok(()),
            false => Err(Setback::Passing {
                why: "it ended early".to_owned(),
                after: None,
            }),
        }
    }

    /// What nothing here runs is not loaded to its end.
    fn look(&mut self) -> Result<(), Setback> {
        if self.got < self.looks_at || !self.wanted.path.ends_with(".gguf") {
            return Ok(());
        }
        let next = self.got.saturating_mul(4);
        self.looks_at = if self.got < LOOK_BYTES_MAX {
            next
        } else {
            u64::MAX
        };
        let mut beginning = Vec::new();
        let part = File::open(&self.part);
        let read = part.and_then(|part| part.take(LOOK_BYTES_MAX).read_to_end(&mut beginning));
        read.map_err(Trouble::file(&self.part))?;
        let Some(why) = Model::refusal_of_gguf(&beginning) else {
            return Ok(());
        };
        self.discard();
        Err(Setback::Final(Trouble::NotRun {
            file: self.wanted.path.clone(),
            why,
        }))
    }

    /// Asks for what is missing, if that is a rest.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.got == 0 {
            return headers;
        }
        if let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", self.got)) {
            headers.insert(header::RANGE, range);
        }
        if let Some(etag) = self.known_etag() {
            headers.insert(header::IF_RANGE, etag);
        }
        headers
    }

    /// Compares what an answer says of itself with what is wanted.
    fn begin(&mut self, answer: &Answer) -> Result<(), Setback> {
        let headers = answer.response.headers();
        let number = |said: &str| said.trim().parse::<u64>().ok();
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|said| number(said.to_str().ok()?));
        let is_rest = answer.response.status() == StatusCode::PARTIAL_CONTENT;
        let total = if is_rest {
            let range = headers.get(header::CONTENT_RANGE);
            let range = range.and_then(|said| said.to_str().ok()?.strip_prefix("bytes "));
            let (span, total) = range
                .and_then(|said| said.split_once('/'))
                .unwrap_or_default();
            let start = span.split_once('-').and_then(|(start, _)| number(start));
            if start != Some(self.got) {
                self.discard();
                let why = "it sent another part than was asked for".to_owned();
                return Err(Setback::Passing { why, after: None });
            }
            self.is_patched |= self.got > 0;
            number(total).or(length.map(|length| length.saturating_add(self.got)))
        } else {
            length
        };
        if let (Some(told), Some(listed)) = (total, self.wanted.bytes)
            && told != listed
        {
            return Err(Setback::Final(Trouble::Length {
                host: answer.host.clone(),
                file: self.wanted.path.clone(),
                told,
                listed,
            }));
        }
        if !is_rest {
            // It does not know ranges, or has another file now.
            self.discard();
        }
        let bytes = self.wanted.bytes.or(total).ok_or_else(|| Trouble::NoHub {
            host: answer.host.clone(),
            what: "it does not say how long the file is".to_owned(),
        })?;
        if self.wanted.bytes.is_none() {
            room::must_have(self.blobs, bytes.saturating_sub(self.got))?;
        }
        self.bytes = Some(bytes);
        self.keep_etag(headers.get(header::ETAG));
        Ok(())
    }

    /// Only a strong one says that bytes are the same.
    fn keep_etag(&self, etag: Option<&HeaderValue>) {
        let strong = etag.filter(|etag| etag.as_bytes().starts_with(b"\""));
        // Without it the next pull begins anew, or is found out by the digest.
        let _ = match strong {
            Some(etag) => fs::write(&self.etag, etag.as_bytes()),
            None => fs::remove_file(&self.etag),
        };
    }

    fn known_etag(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&fs::read(&self.etag).ok()?).ok()
    }

    fn discard(&mut self) {
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.etag);
        self.got = 0;
        self.is_patched = false;
    }
}
