//! Requests of Mistral FIM; the body is closed, so only legal keys are written.

use super::Gap;
use crate::call::{Call, Extra, Fill, Sampling, Stream};
use crate::dialect::Dialect;
use crate::exchange::{Encoded, Target};
use crate::fault::Fault;
use crate::json::{Object, Path};
use crate::mistral_chat::members::Members;
use crate::mistral_chat::request::sampling;
use crate::notes::Notes;
use crate::openai_chat::request as union;

pub(crate) fn decode(body: &[u8]) -> Result<Call, Fault> {
    let path = &Path::Root;
    let mut body = Object::read_body(body)?;
    let fill = Fill {
        model: body.need("model", path)?,
        stream: Stream {
            on: body.get("stream", path)?.unwrap_or(false),
            include_usage: false,
        },
        prompt: body.need("prompt", path)?,
        // Absent is empty here: the marks of a gap are read either way.
        suffix: Some(body.get("suffix", path)?.unwrap_or_default()),
        sampling: union::sampling(&mut body)?,
        cache_key: body.get("prompt_cache_key", path)?,
        extras: sampling::extras(Dialect::MistralFim, body),
    };
    Ok(Call::Fill(Box::new(fill)))
}

pub(crate) fn encode(
    fill: &Fill,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let gap = Gap::read(&fill.prompt, fill.suffix.as_deref())?;
    let mut encoded = Encoded::default();
    let mut body = Members::open(&mut encoded.body);
    body.text("model", target.model);
    body.text("prompt", gap.prompt);
    body.maybe("suffix", gap.suffix.as_ref());
    sampling::write(&mut body, &fill.sampling, notes);
    note_unknown(&fill.sampling, notes);
    sampling::write_cache_key(&mut body, fill.cache_key.as_deref(), notes);
    for extra in &fill.extras {
        match extra.dialect {
            Dialect::MistralFim if extra.name == "metadata" => {
                body.raw("metadata", extra.value.raw());
            }
            _ if changes_nothing(extra) => {}
            _ => notes.drop(&extra.name),
        }
    }
    if fill.stream.on {
        body.value("stream", &true);
    }
    body.close();
    Ok(encoded)
}

/// Legal in chat, not here.
fn note_unknown(sampling: &Sampling, notes: &mut Notes) {
    let fields = [
        ("top_k", sampling.top_k.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("repetition_penalty", sampling.repetition_penalty.is_some()),
    ];
    for (name, _) in fields.into_iter().filter(|(_, given)| *given) {
        notes.drop(name);
    }
}

/// A field that asks for what is so anyway is not lost.
fn changes_nothing(extra: &Extra) -> bool {
    matches!(
        (extra.name.as_str(), extra.value.get()),
        ("echo", "false") | ("best_of", "1")
    )
}
