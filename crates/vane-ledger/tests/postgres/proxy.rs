//! A wire to the server that can be cut at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread;

/// When the next commit loses its connection, if it does.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Cut {
    /// The server does not hear of it.
    Before = 1,
    /// The server does it, and nobody hears of that.
    After = 2,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: Arc<AtomicU8>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// To the host and port of a server.
    pub(crate) fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::default(),
            cuts: Arc::default(),
        };
        let (cut, cuts) = (Arc::clone(&proxy.cut), Arc::clone(&proxy.cuts));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else {
                    continue;
                };
                let (cut, cuts) = (Arc::clone(&cut), Arc::clone(&cuts));
                thread::spawn(move || carry(&client, &server, &cut, &cuts));
            }
        });
        proxy
    }

    pub(crate) fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn carry(client: &TcpStream, server: &TcpStream, cut: &AtomicU8, cuts: &AtomicUsize) {
    let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answers = thread::spawn(move || {
        copy(&from, |bytes| (&to).write_all(bytes).is_ok());
        let _ = to.shutdown(Shutdown::Both);
    });
    copy(client, |bytes| {
        let commits = bytes.windows(6).any(|part| part == b"COMMIT");
        let when = if commits {
            cut.swap(0, Ordering::SeqCst)
        } else {
            0
        };
        if when != 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            // The client hears nothing more.
            let _ = client.shutdown(Shutdown::Both);
        }
        when != Cut::Before as u8 && (&*server).write_all(bytes).is_ok() && when == 0
    });
    // What was sent is done before the server notices the end.
    let _ = server.shutdown(Shutdown::Write);
    let _ = answers.join();
}

fn copy(mut from: &TcpStream, mut take: impl FnMut(&[u8]) -> bool) {
    let mut bytes = [0; 16 << 10];
    loop {
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(n) if !take(&bytes[..n]) => return,
            Ok(_) => {}
        }
    }
}
