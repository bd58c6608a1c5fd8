//! `vane weights bench`: how fast a model is here.
//!
//! Times are of the clock and of all processors together: on a busy machine only the latter says
//! something of the model.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use vane_engine::{Device, Engine, Model, Options, Piece, Prompt, Request};

use super::super::{Failure, engine, terminal};
use crate::weights::Shelf;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Bench {
    /// The name of weights that are here, or a path
    name: String,
    /// Where it computes: auto, cpu, cuda or metal
    #[arg(long, default_value = "auto", value_parser = engine::device)]
    device: Device,
    /// Threads; without it, one less than there are processors
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Tokens of the prompt that is read
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    prompt: u32,
    /// Tokens that each sequence writes
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    output: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Written at once in the last of the three.
const SEQUENCES: u32 = 8;
/// Words of ordinary tokens: control tokens stand at the beginning of a vocabulary.
const WORDS: &str = "fn main() { let total = prices.iter().map(|price| price + 1).sum(); }\n";

struct Timed {
    what: &'static str,
    tokens: u32,
    clock: Duration,
    processor: Duration,
}

impl Timed {
    fn per_second(&self) -> f64 {
        f64::from(self.tokens) / self.clock.as_secs_f64().max(f64::EPSILON)
    }

    fn per_processor_second(&self) -> f64 {
        f64::from(self.tokens) / self.processor.as_secs_f64().max(f64::EPSILON)
    }
}

impl Bench {
    pub(super) fn run(&self, shelf: &Shelf) -> Result<(), Failure> {
        let path = shelf.resolve(&self.name)?;
        let started = Instant::now();
        let model = Model::open(&path, &mut |_| ())?;
        let opened = started.elapsed();
        let room = u64::from(self.prompt) + u64::from(self.output);
        if room > u64::try_from(model.context()).unwrap_or(u64::MAX) {
            let context = model.context();
            return Err(Failure::said(format!(
                "{room} tokens do not fit into this model's context of {context}"
            )));
        }
        let words = model.tokenizer().encode(WORDS);
        let mut options = Options {
            device: self.device,
            ..Options::default()
        };
        if let Some(threads) = self.threads {
            options.threads = usize::from(threads);
        }
        let (threads, instructions) = (options.threads, format!("{:?}", options.instructions));
        let engine = Engine::start(model, options)?;
        let timed = [
            time(&engine, &words, "prompt", 1, self.prompt, 1)?,
            time(&engine, &words, "output", 1, 1, self.output)?,
            time(&engine, &words, "output of 8", SEQUENCES, 1, self.output)?,
        ];
        if self.json {
            let timed = timed.iter().map(|timed| {
                json!({
                    "what": timed.what, "tokens": timed.tokens,
                    "seconds": timed.clock.as_secs_f64(),
                    "processor_seconds": timed.processor.as_secs_f64(),
                    "tokens_per_second": timed.per_second(),
                    "tokens_per_processor_second": timed.per_processor_second(),
                })
            });
            return terminal::print_json(&json!({
                "path": path, "device": engine.place(), "threads": threads, "instructions": instructions,
                "opened_seconds": opened.as_secs_f64(), "timed": timed.collect::<Vec<_>>(),
            }));
        }
        terminal::note(&format!(
            "opened in {:.2} s; {}, {threads} threads, {instructions}",
            opened.as_secs_f64(),
            engine.place()
        ));
        let head = ["", "TOKENS", "PER SECOND", "PER PROCESSOR SECOND"].map(str::to_owned);
        let rows = timed.iter().map(|timed| {
            [
                timed.what.to_owned(),
                timed.tokens.to_string(),
                format!("{:.1}", timed.per_second()),
                format!("{:.1}", timed.per_processor_second()),
            ]
        });
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        terminal::print(&terminal::table(&rows))
    }
}

fn time(
    engine: &Engine,
    words: &[u32],
    what: &'static str,
    sequences: u32,
    prompt: u32,
    output: u32,
) -> Result<Timed, Failure> {
    let (start, before) = (Instant::now(), processor());
    let length = usize::try_from(prompt).unwrap_or(usize::MAX);
    let output_tokens = usize::try_from(output).unwrap_or(usize::MAX);
    let submit = |realm: u32| {
        let tokens = words.iter().copied().cycle().take(length);
        engine.submit(Request {
            max_tokens: Some(output_tokens),
            min_tokens: output_tokens,
            // Of realms of their own, none is given what another computed.
            realm: u64::from(realm) + (u64::from(prompt) << 32),
            ..Request::new(Prompt::Tokens(tokens.collect()))
        })
    };
    let running = (0..sequences).map(submit).collect::<Result<Vec<_>, _>>()?;
    for piece in running.into_iter().flatten() {
        if let Piece::End { usage, .. } = piece?
            && usage.output_tokens != output_tokens
        {
            return Err(Failure::said("an answer ended early: nothing was measured"));
        }
    }
    Ok(Timed {
        what,
        tokens: if prompt > 1 {
            prompt
        } else {
            sequences * output
        },
        clock: start.elapsed(),
        processor: processor().saturating_sub(before),
    })
}

/// Of all threads of this process together.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
