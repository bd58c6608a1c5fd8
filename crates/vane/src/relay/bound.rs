//! The most that a call can cost, and how much output an amount of money pays for.
//!
//! Invariant: no usage within the bound, at any offer of the plan, costs more than the ceiling. No
//! token is less than a byte, and none that is read stands beyond the context, of which each text of a
//! list has one of its own; where the tokenizer of the model has counted the input, it is no more than
//! that and a little. What a body only refers to, and what a provider's own tools read, may fill the
//! context. Such tools may have it read again and again: that sum is bounded by nothing that anyone
//! could hold for, and what is beyond one context is taken from what there is when it is known.

use super::decode::RawCall;
use super::plan::{Choice, Plan};
use vane_catalog::{Asked, Bound, Money, Rate, Unpriced};
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::head::Word;
use vane_dialect::{Dialect, Fault};

/// Output of a model that does not say how much it writes at most.
const OUTPUT_MAX_ASSUMED: u64 = 32_768;
/// Tokens of a picture that is not in the body, or is more than its bytes.
const PER_PICTURE: u64 = 16_384;
/// What a model reads that does not say how much it reads at most.
const CONTEXT_ASSUMED: u64 = 1 << 20;

/// The most that the call can cost at the dearest offer of its plan, if it writes no more than
/// `output_max`, all answers together.
pub(super) fn ceiling(
    call: &RawCall,
    plan: &Plan,
    output_max: Option<u64>,
    at: i64,
) -> Result<Money, Fault> {
    let mut most = Money::ZERO;
    for choice in &plan.choices {
        let of_choice = bound(call, choice)?;
        let output = of_choice.output_tokens_max;
        let bound = Bound {
            output_tokens_max: output_max.map_or(output, |most| output.min(most)),
            ..of_choice
        };
        let ceiling = choice.offer.facts.ceiling(bound, at);
        most = most.max(ceiling.map_err(|unpriced| too_dear(unpriced, choice))?);
    }
    Ok(most)
}

/// How much output so much money pays for, at the dearest offer of the plan.
pub(super) fn affords(call: &RawCall, plan: &Plan, money: Money, at: i64) -> Result<u64, Fault> {
    // What it pays for, and what it does not or nobody writes.
    let (mut pays, mut beyond) = (0, most_output(call, plan)?.saturating_add(1));
    while beyond - pays > 1 {
        let middle = u64::midpoint(pays, beyond);
        match ceiling(call, plan, Some(middle), at)? <= money {
            true => pays = middle,
            false => beyond = middle,
        }
    }
    Ok(pays)
}

/// The most output of any offer of the plan.
pub(super) fn most_output(call: &RawCall, plan: &Plan) -> Result<u64, Fault> {
    let mut outputs = plan.choices.iter().map(|choice| output_max(call, choice));
    outputs.try_fold(0, |most, output| Ok(most.max(output?)))
}

/// The most that a token of output costs at any offer of the plan.
pub(super) fn output_rate(call: &RawCall, plan: &Plan, at: i64) -> Result<Rate, Fault> {
    let mut dearest = Rate::ZERO;
    for choice in &plan.choices {
        let rate = choice.offer.facts.output_ceiling(bound(call, choice)?, at);
        dearest = dearest.max(rate.map_err(|unpriced| too_dear(unpriced, choice))?);
    }
    Ok(dearest)
}

/// The most tokens and uses of one offer that the call allows.
fn bound(call: &RawCall, choice: &Choice) -> Result<Bound, Fault> {
    let head = &call.head;
    let dearer = head.raw("service_tier").is_some() || head.raw("speed").is_some();
    Ok(Bound {
        input_tokens_max: input_max(call, choice),
        output_tokens_max: output_max(call, choice)?,
        asked: if dearer {
            Asked::Dearer
        } else {
            Asked::Standard
        },
        uses_max: call.hosted.uses_max(),
    })
}

fn input_max(call: &RawCall, choice: &Choice) -> u64 {
    let window = choice.offer.facts.context_window;
    let pictures = PICTURES.map(|word| u64::from(call.head.times(word)));
    let pictures: u64 = pictures.iter().sum();
    let bytes = call.head.body().len() as u64;
    let tokens = bytes.saturating_add(pictures.saturating_mul(PER_PICTURE));
    if refers(call) || reads(call, choice) {
        return window.unwrap_or_else(|| tokens.max(CONTEXT_ASSUMED));
    }
    let tokens = choice
        .input_max
        .map_or(tokens, |counted| tokens.min(counted));
    match (call.dialect().task(), window) {
        // Each text of a list has a context, and nobody counted them.
        (Task::Embed, _) | (_, None) => tokens,
        (Task::Chat | Task::Fill, Some(window)) => tokens.min(window.saturating_mul(call.texts)),
    }
}

/// Whether the provider reads what is in no body. Such tools stay behind where the offer is asked in
/// another dialect.
pub(super) fn reads(call: &RawCall, choice: &Choice) -> bool {
    call.hosted.reads > 0 && choice.dialect == call.dialect()
}

/// What stands once at least in each picture.
const PICTURES: [Word; 4] = [
    Word::ComputerScreenshot,
    Word::Image,
    Word::ImageUrl,
    Word::InputImage,
];

/// Whether the body may have a document, a recording or a stored item that is not in it, or that is
/// more tokens than its bytes.
fn refers(call: &RawCall) -> bool {
    let head = &call.head;
    let has = |words: &[Word]| words.iter().any(|word| head.times(*word) > 0);
    let is_anywhere = has(&[
        Word::AudioUrl,
        Word::DocumentUrl,
        Word::FileUrl,
        Word::InputAudio,
        Word::InputFile,
        Word::ItemReference,
        Word::Video,
        Word::VideoUrl,
    ]);
    // A file of Anthropic's may be a picture, which is counted.
    let of_dialect = match call.dialect() {
        Dialect::AnthropicMessages => false,
        // A prompt that is kept at the provider.
        Dialect::OpenaiResponses => head.raw("prompt").is_some(),
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralChat
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => has(&[Word::File]) && has(&[Word::FileData, Word::FileId]),
    };
    let is_document = has(&[Word::Document]) && has(&[Word::FileId, Word::Pdf, Word::Url]);
    is_anywhere || of_dialect || is_document
}

/// What the client allows to be written, or else the model: in all answers that it asks for.
pub(super) fn output_max(call: &RawCall, choice: &Choice) -> Result<u64, Fault> {
    if call.door.dialect.task() == Task::Embed {
        return Ok(0);
    }
    let of_model = choice.offer.facts.max_output.unwrap_or(OUTPUT_MAX_ASSUMED);
    let asked = asked_output(call)?.unwrap_or(of_model);
    Ok(asked.saturating_mul(answers(call)?))
}

/// The fields by which a door limits an answer.
pub(super) const fn limits(door: Dialect) -> &'static [&'static str] {
    match door {
        Dialect::OpenaiChat => &["max_completion_tokens", "max_tokens"],
        Dialect::OpenaiResponses => &["max_output_tokens"],
        Dialect::AnthropicMessages
        | Dialect::OpenaiCompletions
        | Dialect::MistralChat
        | Dialect::MistralFim => &["max_tokens"],
        Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => &[],
    }
}

/// The client's own limit of one answer: the largest of those that are read at this door. Those of
/// other doors limit nothing, and are not sent; nor does a limit of nothing, since there are servers
/// that take it for none.
pub(super) fn asked_output(call: &RawCall) -> Result<Option<u64>, Fault> {
    let mut asked = None;
    for field in limits(call.dialect()) {
        asked = asked.max(call.head.count(field)?);
    }
    Ok(asked.filter(|most| *most > 0))
}

/// How many answers are made: so many to each prompt.
pub(super) fn answers(call: &RawCall) -> Result<u64, Fault> {
    let asked = call.head.count("n")?.unwrap_or(1);
    let asked = asked.max(call.head.count("best_of")?.unwrap_or(1)).max(1);
    Ok(asked.saturating_mul(call.texts))
}

fn too_dear(unpriced: Unpriced, choice: &Choice) -> Fault {
    let message = match unpriced {
        Unpriced::TooLarge => {
            "the most that this call may cost is more than money can be: ask for less output"
                .to_owned()
        }
        other => format!("{} cannot be priced: {other}", choice.offer.facts.id),
    };
    Fault::new(Kind::Invalid, Blame::Caller, message)
}
