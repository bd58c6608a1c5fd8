//! A few seconds of every target: its seeds as they stand, then random changes of them.
//!
//! `smoke [--seconds N] [--seed N] [TARGET...]`. Exits with 1 if an input broke a promise; the
//! input is kept under `artifacts/`, and `smoke TARGET=FILE` runs one file again.

mod mutate;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use vane_fuzz::splits::Draw;
use vane_fuzz::{TARGETS, Target};

const HOME: &str = env!("CARGO_MANIFEST_DIR");
/// No input may take longer.
const SLOW: Duration = Duration::from_secs(5);

struct Asked {
    seconds: u64,
    seed: u64,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(fault) => {
            eprintln!("smoke: {fault}");
            return ExitCode::from(2);
        }
    };
    if let [one] = asked.names.as_slice()
        && let Some((name, file)) = one.split_once('=')
    {
        return replay(name, file);
    }
    let queue: Vec<&Target> = TARGETS
        .iter()
        .filter(|target| asked.names.is_empty() || asked.names.iter().any(|n| n == target.name))
        .collect();
    let queue = Mutex::new(queue);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let broken: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(&queue, &asked)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(1))
            .sum()
    });
    ExitCode::from(u8::from(broken > 0))
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked {
        seconds: 2,
        seed: 1,
        names: Vec::new(),
    };
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().and_then(|value| value.parse().ok());
            value.ok_or_else(|| format!("{arg} wants a number"))
        };
        match arg.as_str() {
            "--seconds" => asked.seconds = number()?,
            "--seed" => asked.seed = number()?,
            _ => asked.names.push(arg),
        }
    }
    Ok(asked)
}

fn replay(name: &str, file: &str) -> ExitCode {
    match fs::read(file) {
        Ok(bytes) => {
            vane_fuzz::run(name, &bytes);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("smoke: {file}: {fault}");
            ExitCode::from(2)
        }
    }
}

/// Runs targets until none is left; returns how many broke.
fn work(queue: &Mutex<Vec<&Target>>, asked: &Asked) -> usize {
    let mut broken = 0;
    loop {
        let next = queue.lock().map_or(None, |mut queue| queue.pop());
        let Some(target) = next else { return broken };
        match smoke(target, asked) {
            Ok(inputs) => println!("smoke: {:28} {inputs} inputs", target.name),
            Err(file) => {
                broken += 1;
                println!("smoke: {:28} BROKEN by {}", target.name, file.display());
            }
        }
    }
}

/// How many inputs held, or the file of the one that did not.
fn smoke(target: &Target, asked: &Asked) -> Result<u64, PathBuf> {
    let seeds = seeds(target);
    let until = Instant::now() + Duration::from_secs(asked.seconds);
    let mut inputs = 0;
    for seed in &seeds {
        check(target, seed)?;
        inputs += 1;
    }
    let mut draw = Draw(asked.seed);
    while Instant::now() < until {
        let changed = mutate::any(&seeds, &mut draw);
        check(target, &changed)?;
        inputs += 1;
    }
    Ok(inputs)
}

fn check(target: &Target, input: &[u8]) -> Result<(), PathBuf> {
    let begun = Instant::now();
    let held = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok();
    if held && begun.elapsed() < SLOW {
        return Ok(());
    }
    let folder = Path::new(HOME).join("artifacts").join(target.name);
    let file = folder.join(format!("input-{:016x}", vane_fuzz::splits::seed(input).0));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, input));
    if let Err(fault) = kept {
        eprintln!("smoke: {}: {fault}", file.display());
    }
    Err(file)
}

/// The target's own seeds and the golden files that are inputs of its kind, in order of name.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let golden = Path::new(HOME).join("../crates/vane-dialect/tests/golden");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in target.golden.iter().map(|folder| golden.join(folder)) {
        files.extend(
            listed(&folder)
                .into_iter()
                .filter(|file| is_input(file, target.name)),
        );
    }
    files.extend(listed(&Path::new(HOME).join("seeds").join(target.name)));
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files
        .iter()
        .filter_map(|file| fs::read(file).ok())
        .collect();
    if seeds.is_empty() {
        seeds.push(b"{}".to_vec());
    }
    seeds
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect()
}

/// Streams are seeds of stream targets, bodies of the others.
fn is_input(file: &Path, target: &str) -> bool {
    let wanted = if target.starts_with("stream_") || target == "sse_split" {
        "sse"
    } else {
        "json"
    };
    file.extension()
        .is_some_and(|extension| extension == wanted)
}
