//! The fake as a test holds it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::gate::Gate;
use crate::record::Call;
use crate::script::{Answer, Script};
use crate::server::{Settings, State, serve};

/// A running fake upstream; dropping it closes everything.
#[derive(Debug)]
pub struct FakeUpstream {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl FakeUpstream {
    /// Starts on a free loopback port.
    pub async fn start() -> Result<Self> {
        Self::with(Settings::default()).await
    }

    /// Starts on a free loopback port with these settings.
    pub async fn with(settings: Settings) -> Result<Self> {
        Self::on("127.0.0.1:0".parse()?, settings).await
    }

    /// Starts on this address.
    pub async fn on(address: SocketAddr, settings: Settings) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(settings));
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// With TLS by name, because certificates are for names.
    fn at(&self, path: &str) -> String {
        match self.state.settings.tls {
            None => format!("http://{}{path}", self.address),
            Some(_) => format!("https://localhost:{}{path}", self.address.port()),
        }
    }

    /// `http://127.0.0.1:PORT`, where bare paths live.
    #[must_use]
    pub fn url(&self) -> String {
        self.at("")
    }

    /// The base URL of the fake OpenAI, with `/v1`.
    #[must_use]
    pub fn openai_url(&self) -> String {
        self.at("/openai/v1")
    }

    /// The base URL of the fake Mistral, with `/v1`.
    #[must_use]
    pub fn mistral_url(&self) -> String {
        self.at("/mistral/v1")
    }

    /// The base URL of the fake Anthropic, which has no `/v1`.
    #[must_use]
    pub fn anthropic_url(&self) -> String {
        self.at("/anthropic")
    }

    /// Replaces the script.
    pub fn script(&self, script: Script) {
        *self.state.script() = script;
    }

    /// Answers everything with `answer`.
    pub fn always(&self, answer: Answer) {
        self.script(Script::always(answer));
    }

    /// The gate of this name; a script names it in `Answer::gate`.
    #[must_use]
    pub fn gate(&self, name: &str) -> Gate {
        self.state.gates.named(name)
    }

    /// Everything received and served so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.record.calls()
    }

    /// Waits until call `index` has ended, in whatever way.
    pub async fn wait_closed(&self, index: usize) -> Option<Call> {
        self.state
            .record
            .wait(index, |call| call.ended.is_some())
            .await
    }

    /// Waits until call `index` has sent `frames` frames.
    pub async fn wait_frames(&self, index: usize, frames: usize) -> Option<Call> {
        self.state
            .record
            .wait(index, |call| call.frames >= frames)
            .await
    }

    /// Waits until call `index` has arrived.
    pub async fn wait_call(&self, index: usize) -> Option<Call> {
        self.state.record.wait(index, |_| true).await
    }

    /// Forgets calls and script and opens every gate.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Serves until the task ends, which it does not by itself.
    pub async fn serve_for_ever(&mut self) -> Result<()> {
        Ok((&mut self.task).await?)
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}
