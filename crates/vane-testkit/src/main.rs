//! The fake upstream as a program, for clients in other languages and for benchmarks.
//!
//! It prints its address when it listens, so that whoever starts it on port 0 knows where.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use vane_testkit::{Bench, FakeStripe, FakeUpstream, Family, Settings, bench};

/// A fake upstream that speaks every dialect.
#[derive(Debug, Parser)]
struct Options {
    /// 0 takes a free port; the address is printed either way.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON script, as for `POST /__script`.
    #[arg(long)]
    script: Option<PathBuf>,
    /// The only key that is accepted; without it any key is.
    #[arg(long)]
    key: Option<String>,
    /// The provider that bare paths speak, where two share a path.
    #[arg(long, value_enum, default_value_t = Speaks::Openai)]
    speaks: Speaks,
    /// Accept what the real provider would refuse.
    #[arg(long)]
    lenient: bool,
    /// Refuse HTTP/1.1. (HTTP/2 without TLS is always understood.)
    #[arg(long)]
    h2c: bool,
    /// Prebuilt answers by path; no script, no record.
    #[arg(long)]
    bench: bool,
    /// With `--bench`: milliseconds between the chunks of a stream.
    #[arg(long, default_value_t = 0)]
    pace_ms: u64,
    /// With `--bench`: chunks in a stream.
    #[arg(long, default_value_t = 200)]
    chunks: usize,
    /// Be Stripe for this secret key instead; a second address is printed, where `POST /pay` pays.
    #[arg(long, requires = "webhook_secret")]
    stripe: Option<String>,
    /// With `--stripe`: what events are signed with.
    #[arg(long)]
    webhook_secret: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Speaks {
    Openai,
    Anthropic,
    Mistral,
    Llama,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let address = SocketAddr::from(([127, 0, 0, 1], options.port));
    if options.bench {
        let listener = TcpListener::bind(address).await?;
        announce(&format!("http://{}", listener.local_addr()?));
        let (chunks, pace_ms) = (options.chunks, options.pace_ms);
        return bench::serve(listener, Bench { chunks, pace_ms }).await;
    }
    if let (Some(key), Some(secret)) = (&options.stripe, &options.webhook_secret) {
        let stripe = FakeStripe::start(key, secret).await?;
        let payer = TcpListener::bind("127.0.0.1:0").await?;
        announce(&stripe.url());
        announce(&format!("http://{}", payer.local_addr()?));
        return stripe.pay_when_asked(&payer).await;
    }
    let bare = match options.speaks {
        Speaks::Openai => Family::OpenAi,
        Speaks::Anthropic => Family::Anthropic,
        Speaks::Mistral => Family::Mistral,
        Speaks::Llama => Family::Llama,
    };
    let settings = Settings {
        key: options.key,
        bare,
        lenient: options.lenient,
        only_h2: options.h2c,
        ..Settings::default()
    };
    let mut upstream = FakeUpstream::on(address, settings).await?;
    if let Some(path) = options.script {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        upstream.script(serde_json::from_str(&text).with_context(|| path.display().to_string())?);
    }
    announce(&format!("http://{}", upstream.address()));
    upstream.serve_for_ever().await
}

#[expect(
    clippy::print_stdout,
    reason = "the line that a test program waits for"
)]
fn announce(address: &str) {
    println!("{address}");
}
