//! The addresses of providers' hosts, by the system's resolver.
//!
//! That blocks, for many seconds where a server of names is away, and cannot be called off. So each
//! look-up has a thread to itself, and a name is looked up once at a time: one that never answers
//! holds one thread, and nobody waits for it who asks for another.

use hyper_util::client::legacy::connect::dns::Name;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::vec::IntoIter;
use tokio::sync::watch;
use tower_service::Service;

/// How a system looks a name up.
type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

#[derive(Clone)]
pub(super) struct Names {
    look_up: LookUp,
    running: Running,
}

/// The look-ups that have not ended.
type Running = Arc<Mutex<HashMap<String, watch::Receiver<Option<Found>>>>>;

/// What came of one; an error cannot be told to several, but what it says can.
type Found = Result<Vec<SocketAddr>, (Option<i32>, io::ErrorKind, String)>;

impl Default for Names {
    fn default() -> Self {
        Self::by(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }
}

impl Names {
    fn by(look_up: LookUp) -> Self {
        Self {
            look_up,
            running: Running::default(),
        }
    }

    /// The look-up of a name that runs, or a new one.
    fn look_up(&self, name: &str) -> io::Result<watch::Receiver<Option<Found>>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = running.get(name) {
            return Ok(found.clone());
        }
        let (tell, found) = watch::channel(None);
        let (look_up, others, asked) = (self.look_up, self.running.clone(), name.to_owned());
        let thread = std::thread::Builder::new().name("names".into());
        thread.spawn(move || {
            let found = look_up(&asked)
                .map_err(|error| (error.raw_os_error(), error.kind(), error.to_string()));
            let mut running = others.lock().unwrap_or_else(PoisonError::into_inner);
            running.remove(&asked);
            drop(running);
            tell.send_replace(Some(found));
        })?;
        running.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn addresses(self, name: Name) -> io::Result<IntoIter<SocketAddr>> {
        let mut running = self.look_up(name.as_str())?;
        let ended = running.wait_for(Option::is_some).await;
        let found = ended.ok().and_then(|found| found.clone());
        let found = found.ok_or_else(|| io::Error::other("the look-up of its name failed"))?;
        match found {
            Ok(addresses) => Ok(addresses.into_iter()),
            Err((Some(code), ..)) => Err(io::Error::from_raw_os_error(code)),
            Err((None, kind, says)) => Err(io::Error::new(kind, says)),
        }
    }
}

impl Service<Name> for Names {
    type Response = IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().addresses(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Whether the server of names answers.
    static ANSWERS: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn slowly(name: &str) -> io::Result<Vec<SocketAddr>> {
        match name {
            "away.test" => {
                ASKED.fetch_add(1, Ordering::SeqCst);
                let (answers, changed) = &ANSWERS;
                let waited = changed.wait_while(answers.lock().unwrap(), |answers| !*answers);
                drop(waited.unwrap());
                Err(io::Error::other("no such host"))
            }
            _ => Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]),
        }
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_name_that_does_not_answer_holds_nobody_up_and_one_thread() {
        let names = Names::by(slowly);
        let away = || tokio::spawn(names.clone().addresses(name("away.test")));
        let waiting: Vec<_> = (0..20).map(|_| away()).collect();
        while names.running.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let here = names.clone().addresses(name("here.test")).await.unwrap();
        assert_eq!(here.count(), 1);
        *ANSWERS.0.lock().unwrap() = true;
        ANSWERS.1.notify_all();
        for one in waiting {
            let failed = one.await.unwrap().unwrap_err();
            assert_eq!(failed.to_string(), "no such host");
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
        assert!(names.running.lock().unwrap().is_empty());
    }
}
