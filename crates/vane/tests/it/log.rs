//! The access log as a test reads it.

use std::io::{self, Write};

use serde_json::Value;
use tokio::sync::watch;

use crate::client::within;

/// Everything written so far; clones share it.
#[derive(Clone)]
pub(crate) struct Log(watch::Sender<Vec<u8>>);

impl Default for Log {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_modify(|all| all.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }

    /// Waits until this was said.
    pub(crate) async fn until(&self, text: &str) {
        self.until_times(text, 1).await;
    }

    pub(crate) async fn until_times(&self, text: &str, times: usize) {
        let mut changes = self.0.subscribe();
        let said = |all: &Vec<u8>| memchr::memmem::find_iter(all, text).count() >= times;
        within(&format!("{text:?} in the log"), changes.wait_for(said))
            .await
            .unwrap();
    }

    /// Waits for the line of one request.
    pub(crate) async fn line(&self, request_id: &str) -> Value {
        let mut changes = self.0.subscribe();
        let wanted = format!("\"id\":\"{request_id}\"");
        let written = |all: &Vec<u8>| memchr::memmem::find(all, wanted.as_bytes()).is_some();
        within("the line of a request", changes.wait_for(written))
            .await
            .unwrap();
        let text = self.text();
        let line = text.lines().find(|line| line.contains(&wanted)).unwrap();
        serde_json::from_str(line).unwrap()
    }

    /// Waits for this many lines; there may be no more.
    pub(crate) async fn lines(&self, count: usize) -> Vec<Value> {
        let mut changes = self.0.subscribe();
        let written = |all: &Vec<u8>| memchr::memchr_iter(b'\n', all).count() >= count;
        let waited = changes.wait_for(written);
        within(&format!("{count} lines of the log"), waited)
            .await
            .unwrap();
        let text = self.text();
        assert_eq!(text.lines().count(), count, "{text}");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}
