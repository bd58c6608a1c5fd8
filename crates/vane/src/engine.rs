//! `vane engine`: the child process in which one model runs, so that no fault of a model is the
//! gateway's.
//!
//! It answers on a Unix socket as an OpenAI-compatible server would, tells its parent on standard
//! output how far it is ([`Word`]), and ends when standard input does: a parent that died closes
//! that too.

mod answer;
mod ask;
mod content;
mod effort;
mod serve;
mod tools;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use serde::{Deserialize, Serialize};
use vane_engine::{Device, Engine, Fault, Model, Options, Progress, free_bytes};

/// What the program takes beside weights and what is computed of them.
const OWN_BYTES: u64 = 256 << 20;
/// How much less urgent than the gateway it is.
const NICE: i32 = 10;
/// It is said so often how far the weights are read.
const STEPS: u64 = 50;

/// How one model is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// None is the model that is part of the program.
    pub(crate) weights: Option<PathBuf>,
    pub(crate) device: Device,
    pub(crate) context: Option<usize>,
    pub(crate) threads: Option<usize>,
    pub(crate) sequences: Option<usize>,
    /// For weights, keys and values together.
    pub(crate) memory_bytes: Option<u64>,
}

/// What the child tells its parent, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Opening {
        done_bytes: u64,
        total_bytes: u64,
    },
    /// It answers on its socket.
    Ready,
    /// It cannot, for this reason.
    Refused(String),
    /// It has no device, for this reason, and computes on the processors.
    Fell(String),
    Is(Facts),
}

/// What a file of weights says it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) context: usize,
    /// Its vocabulary has the marks of a gap.
    pub(crate) marks_gaps: bool,
    /// Its names say that it was trained to fill one.
    pub(crate) fills_in: bool,
    pub(crate) converses: bool,
    pub(crate) takes_tools: bool,
    /// Its vocabulary has the marks of thoughts. Programs of before do not say.
    #[serde(default)]
    pub(crate) thinks: bool,
    pub(crate) weight_bytes: u64,
}

impl Facts {
    fn of(model: &Model) -> Self {
        Self {
            context: model.context(),
            marks_gaps: model.tokenizer().marks_gaps(),
            fills_in: model.fills_in(),
            converses: model.tokenizer().converses(),
            takes_tools: model.tokenizer().takes_tools(),
            thinks: model.tokenizer().thinks(),
            weight_bytes: model.weight_bytes(),
        }
    }
}

/// Leaves the signals alone that stop or reload the gateway: its model ends with its input, so that
/// calls that are running may finish. Whoever loses patience with it still kills it.
pub(crate) fn outlast_signals() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [
        SignalKind::hangup(),
        SignalKind::interrupt(),
        SignalKind::terminate(),
    ] {
        // Once it was listened for, a signal ends nothing any more, whoever listens then.
        drop(signal(kind)?);
    }
    Ok(())
}

/// Says what a model is, and runs nothing.
pub(crate) fn describe(orders: &Orders) -> Result<(), Fault> {
    let model = told(match &orders.weights {
        Some(path) => Model::look(path),
        None => built_in(),
    })?;
    tell(&Word::Is(Facts::of(&model)));
    Ok(())
}

/// Runs a model until standard input ends.
pub(crate) async fn run(orders: &Orders, socket: &Path) -> Result<(), anyhow::Error> {
    // One who may not be nice is no worse for it.
    let _ = nice(NICE);
    let tell_why = |why| tell(&Word::Fell(why));
    let engine = told(on_what_there_is(
        orders,
        found(orders.device),
        start,
        tell_why,
    ))?;
    let served = serve::until_orphaned(Arc::new(engine), socket, || tell(&Word::Ready)).await;
    // Its parent is gone or wants no more of it.
    let _ = std::fs::remove_file(socket);
    let _ = socket.parent().map(std::fs::remove_dir);
    Ok(served?)
}

/// What `auto` is here, or why it is no device; `None` where one was named.
fn found(device: Device) -> Option<Result<Device, String>> {
    let is_auto = device == Device::Auto;
    let refusal = |one: Device| one.resolve().err().map(|fault| fault.to_string());
    is_auto.then(|| match device.resolve() {
        Ok(Device::Cpu) => {
            let whys: Vec<String> = Device::ALL.into_iter().filter_map(refusal).collect();
            Err(whys.join("; "))
        }
        Ok(device) => Ok(device),
        Err(fault) => Err(fault.to_string()),
    })
}

/// Starts a model on the device that was found, or on the processors, which says why.
fn on_what_there_is<T>(
    orders: &Orders,
    found: Option<Result<Device, String>>,
    start: impl Fn(&Orders) -> Result<T, Fault>,
    tell_why: impl Fn(String),
) -> Result<T, Fault> {
    let on = |device| Orders {
        device,
        ..orders.clone()
    };
    let why = match found {
        None => return start(orders),
        Some(Ok(device)) => match start(&on(device)) {
            Ok(started) => return Ok(started),
            Err(fault) => fault.to_string(),
        },
        Some(Err(why)) => why,
    };
    tell_why(why);
    start(&on(Device::Cpu))
}

fn start(orders: &Orders) -> Result<Engine, Fault> {
    let mut said = 0;
    let mut progress = |progress: Progress| {
        let Progress {
            done_bytes,
            total_bytes,
        } = progress;
        let step = done_bytes.saturating_mul(STEPS) / total_bytes.max(1);
        if step > said {
            said = step;
            tell(&Word::Opening {
                done_bytes,
                total_bytes,
            });
        }
    };
    let device = orders.device.resolve()?;
    // What a device may take of memory is asked when the model is brought there.
    let here = device == Device::Cpu;
    let free = || if here { free_bytes() } else { None };
    let model = match &orders.weights {
        None => built_in()?,
        Some(path) => {
            let most = orders.memory_bytes.or_else(free);
            Model::open_within(path, most, &mut progress)?
        }
    };
    let mut options = Options {
        device,
        memory_bytes: orders.memory_bytes,
        context_max: orders.context,
        ..Options::default()
    };
    options.threads = orders.threads.unwrap_or(options.threads);
    options.sequences_max = orders.sequences.unwrap_or(options.sequences_max);
    // What a device's driver takes for itself here is nobody's to say.
    if let Some(most) = orders.memory_bytes.filter(|_| here) {
        cap(most);
    }
    Engine::start(model, options)
}

/// Ends the process rather than let it grow: files that are mapped do not count.
fn cap(memory_bytes: u64) {
    let most = Some(memory_bytes.saturating_add(OWN_BYTES));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    // Where the system has no such limit, what the engine allows itself is the only one.
    let _ = setrlimit(Resource::Data, limit);
}

/// The model that is part of the program, where it was built so. The gateway never touches it: it lies
/// in the program's file until a child runs it.
#[cfg(feature = "tiny")]
fn built_in() -> Result<Model, Fault> {
    const BYTES: &[u8] = include_bytes!("../../../weights/vane-tiny.gguf");
    Model::of_program(crate::local::TINY, BYTES)
}

#[cfg(not(feature = "tiny"))]
fn built_in() -> Result<Model, Fault> {
    let what = "this build of Vane has no model of its own";
    Err(Fault::Unsupported(what.to_owned()))
}

/// A fault is told to the parent, too.
fn told<T>(made: Result<T, Fault>) -> Result<T, Fault> {
    made.inspect_err(|fault| tell(&Word::Refused(fault.to_string())))
}

fn tell(word: &Word) {
    let Ok(line) = serde_json::to_string(word) else {
        return;
    };
    let mut out = std::io::stdout().lock();
    // A parent that is gone is noticed elsewhere.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn who_finds_no_device_runs_on_the_processors_and_says_why() {
        let broken = || Fault::Device("it is too hot".to_owned());
        for (found, started, why) in [
            (None, vec![Device::Auto], None),
            (Some(Ok(Device::Cuda)), vec![Device::Cuda], None),
            (
                Some(Err("none".to_owned())),
                vec![Device::Cpu],
                Some("none"),
            ),
        ] {
            let (tried, told) = (RefCell::new(Vec::new()), RefCell::new(None));
            let start = |orders: &Orders| {
                tried.borrow_mut().push(orders.device);
                Ok(())
            };
            let tell_why = |why| *told.borrow_mut() = Some(why);
            on_what_there_is(&Orders::default(), found, start, tell_why).unwrap();
            assert_eq!(*tried.borrow(), started);
            assert_eq!(told.into_inner(), why.map(str::to_owned));
        }
        let told = RefCell::new(String::new());
        let start = |orders: &Orders| match orders.device {
            Device::Cpu => Ok(()),
            _ => Err(broken()),
        };
        let tell_why = |why| *told.borrow_mut() = why;
        let found = Some(Ok(Device::Cuda));
        on_what_there_is(&Orders::default(), found, start, tell_why).unwrap();
        assert!(told.borrow().contains("too hot"), "{told:?}");
    }

    #[test]
    fn only_auto_looks_for_a_device() {
        assert_eq!(found(Device::Cpu), None);
        assert_eq!(found(Device::Cuda), None);
        assert!(found(Device::Auto).is_some());
    }
}
