//! `[engine]` and `[[local]]`: models that run on this machine.
//!
//! What a model can do is asked of its file, by a process of its own: a file that is broken is a
//! problem of the configuration, and reading one is no risk to the gateway.

use std::path::PathBuf;
use std::time::Duration;

use vane_engine::Device;

use super::node::{Node, Table, Value};
use super::read::{boolean, count, duration, one_of, size, text};
use super::section::Section;
use super::{Auth, Engine, Local, Model, Provider, Weights, model};
use crate::engine::{Facts, Orders};
use crate::local::{PROVIDER, TINY, describe};
use crate::weights::Shelf;

const CONTEXT_MAX: u32 = 1 << 24;
const THREADS_MAX: u32 = 1_024;
const SEQUENCES_MAX: u32 = 1_024;

impl Engine {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let program = section.take("program", text).map(PathBuf::from);
        let libraries = section.take("libraries", text).map(PathBuf::from);
        let mut time = |key, usual| {
            let said = section.take(key, duration);
            said.unwrap_or(Duration::from_secs(usual))
        };
        let (wait, deadline, idle) = (time("wait", 30), time("deadline", 120), time("idle", 600));
        let tiny = section.take("tiny", |node| match boolean(node)? {
            true if !cfg!(feature = "tiny") => {
                Err("is true, and this build has no model of its own".to_owned())
            }
            said => Ok(said),
        });
        section.finish();
        Self {
            tiny,
            program,
            libraries,
            wait,
            deadline,
            idle,
        }
    }
}

/// Every `[[local]]` that has no problem, and what it is to who calls it.
pub(super) fn read(
    root: &mut Section<'_>,
    engine: &Engine,
    weights: &Weights,
) -> (Vec<Local>, Vec<Model>) {
    let shelf = Shelf::new(weights.folder.clone());
    let rows = root.take_from_file("local", |node| match &node.value {
        Value::List(rows) => Ok(rows.clone()),
        _ => Err("must be written as [[local]], once for each model".to_owned()),
    });
    let (mut locals, mut models): (Vec<Local>, Vec<Model>) = (Vec::new(), Vec::new());
    for row in rows.unwrap_or_default() {
        let Some((local, model)) = row_of(root, row, engine, &shelf) else {
            continue;
        };
        if locals.iter().any(|earlier| earlier.id == local.id) {
            root.problem("local", format!("has the model {:?} twice", local.id));
        }
        locals.push(local);
        models.push(model);
    }
    (locals, models)
}

impl Local {
    /// The model that is part of the program. What it can do stands in the catalogue.
    pub(super) fn built_in(engine: &Engine) -> Self {
        Self {
            id: TINY.to_owned(),
            idle: engine.idle,
            preload: false,
            // It is done before a device would be ready.
            orders: Orders {
                device: Device::Cpu,
                ..Orders::default()
            },
        }
    }
}

/// This machine, where it runs anything.
pub(super) fn provider(locals: &[Local], models: Vec<Model>) -> Option<Provider> {
    let provider = Provider {
        id: PROVIDER.to_owned(),
        // Offers have one each, of their model.
        base_url: format!("{}://models", crate::local::SCHEME),
        api_key: None,
        speaks: Vec::new(),
        auth: Some(Auth::None),
        quirks: Vec::new(),
        headers: Vec::new(),
        only: None,
        models,
        h2c: false,
        is_kept: false,
    };
    (!locals.is_empty()).then_some(provider)
}

fn row_of(root: &Section<'_>, row: Node, engine: &Engine, shelf: &Shelf) -> Option<(Local, Model)> {
    let Value::Table(mut values) = row.value else {
        root.reader
            .problem(row.place, "local", "must be written as [[local]]");
        return None;
    };
    let id = id_of(&mut values);
    let name = format!("local.{}", id.as_deref().unwrap_or_default());
    let name = name.trim_end_matches('.').to_owned();
    let mut section = Section::new(root.reader, name, row.place, values);
    let before = section.reader.problem_count();
    if id.is_none() {
        let what =
            "needs an `id` of small letters, digits, and any of . _ -, such as \"codestral\"";
        section.problem("", what);
    }
    if !section.has_in_file("weights") {
        section.problem(
            "weights",
            "is missing: a GGUF file, or a folder of safetensors",
        );
    }
    let weights = section.take_from_file("weights", |node| {
        let found = shelf.resolve(&text(node)?);
        found.map_err(|missing| format!("cannot be found: {missing}"))
    });
    let memory = section.take_from_file("memory", size(("64MiB", "16TiB")));
    let orders = Orders {
        weights,
        device: section
            .take_from_file("device", |node| device(node, engine))
            .unwrap_or_default(),
        context: section.take_from_file("context", count(CONTEXT_MAX)),
        threads: section.take_from_file("threads", count(THREADS_MAX)),
        sequences: section.take_from_file("sequences", count(SEQUENCES_MAX)),
        memory_bytes: memory.and_then(|bytes| u64::try_from(bytes).ok()),
    };
    let idle = section.take_from_file("idle", duration);
    let preload = section.take_from_file("preload", boolean).unwrap_or(false);
    let chat = section.take_from_file("chat", boolean);
    let fim = section.take_from_file("fim", boolean);
    let reasoning = section.take_from_file("reasoning", boolean);
    let model = model::priced(&mut section);
    let facts = match (&orders.weights, section.reader.problem_count() == before) {
        (Some(_), true) => describe(engine, &orders)
            .map_err(|why| section.problem("weights", format!("cannot be run: {why}")))
            .ok(),
        _ => None,
    };
    let thinks = facts.is_some_and(|facts| thinks(&section, facts, reasoning));
    let fills = facts.is_some_and(|facts| fills_in(&section, facts, fim));
    section.finish();
    let (id, facts) = (id?, facts?);
    let local = Local {
        id: id.clone(),
        idle: idle.unwrap_or(engine.idle),
        preload,
        orders,
    };
    let facts = Facts {
        fills_in: fills,
        thinks,
        ..facts
    };
    let model = able(model, id, &local, facts, chat);
    Some((local, model))
}

/// Whether a model fills in the middle: as its row says, or else its names.
fn fills_in(section: &Section<'_>, facts: Facts, said: Option<bool>) -> bool {
    match said {
        Some(true) if !facts.marks_gaps => {
            let what = "is true, and this model has no tokens for the ends of a gap";
            section.problem("fim", what);
        }
        Some(_) => {}
        None if facts.marks_gaps && !facts.fills_in => {
            let what = "is not said: this model has tokens for the ends of a gap, as Mistral's chat models \
                        have, and is not known as one that was trained to fill it (Codestral), so no gap \
                        is asked of it; `fim = true` says that it was, `fim = false` that it was not";
            section.warn("fim", what);
        }
        None => {}
    }
    said.unwrap_or(facts.fills_in)
}

/// Whether a model thinks before it answers: as its row says, or else its vocabulary.
fn thinks(section: &Section<'_>, facts: Facts, said: Option<bool>) -> bool {
    if said == Some(true) && !facts.thinks {
        let what = "is true, and this model has no tokens for thoughts";
        section.problem("reasoning", what);
    }
    said.unwrap_or(facts.thinks)
}

/// What the file says that it can do.
fn able(model: Model, id: String, local: &Local, facts: Facts, chat: Option<bool>) -> Model {
    let context = local
        .orders
        .context
        .map_or(facts.context, |most| most.min(facts.context));
    Model {
        upstream: id.clone(),
        id,
        fim: facts.fills_in,
        tools: facts.takes_tools && chat != Some(false),
        reasoning: facts.thinks && chat.unwrap_or(facts.converses),
        chat: Some(chat.unwrap_or(facts.converses)),
        context_window: u64::try_from(context).ok(),
        max_output: u64::try_from(context).ok(),
        ..model
    }
}

/// One that whoever runs models knows. Whether it is there is asked when the model is loaded.
fn device(node: &Node, engine: &Engine) -> Result<Device, String> {
    let named = Device::ALL.map(|device| (device.name(), device));
    let device = one_of(&named)(node)?;
    if device.is_built_in() || engine.program.is_some() {
        return Ok(device);
    }
    let name = device.name();
    Err(format!(
        "is {name:?}, and this build cannot use it: one of `--features {name}` can"
    ))
}

/// It is the host of an address, too.
fn id_of(values: &mut Table) -> Option<String> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    match values.remove("id")?.1.value {
        Value::Text(id) if !id.is_empty() && id.chars().all(letter) => Some(id),
        _ => None,
    }
}
