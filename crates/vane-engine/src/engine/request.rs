//! What is asked of an engine and what it answers.

use std::sync::Arc;

use super::calls::{Calling, Tools};
use super::outbox::Closing;
use super::{Options, Sampling, Stops};
use crate::{Effort, Fault, Grammar, Model, Prompt, Setting, ToolCall};

const LIKELIHOODS_MAX: usize = 100;

/// A prompt, and how it is to be continued.
#[derive(Debug, Clone)]
pub struct Request {
    pub prompt: Prompt,
    pub sampling: Sampling,
    /// Texts that end the answer. They are not part of it.
    pub stops: Vec<String>,
    /// Before so many tokens nothing ends the answer.
    pub min_tokens: usize,
    /// `None` is what the engine's options say.
    pub max_tokens: Option<usize>,
    /// The likelihood of each token is told, and of so many others.
    pub likelihoods: Option<usize>,
    /// The answer is a whole text of this grammar, unless a limit of tokens or a stop text cuts it. One
    /// that was compiled may serve many requests.
    pub grammar: Option<Arc<Grammar>>,
    /// What the model may call in a conversation. What it calls is held to the schemas of the tools.
    pub tools: Tools,
    /// How a model is set for a conversation. Without effort it does not think.
    pub setting: Setting,
    /// Who asks. Only requests of one realm share what was computed for their prompts: how soon an
    /// answer begins tells nobody what others have asked.
    pub realm: u64,
}

impl Request {
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            sampling: Sampling::default(),
            stops: Vec::new(),
            min_tokens: 0,
            max_tokens: None,
            likelihoods: None,
            grammar: None,
            tools: Tools::default(),
            setting: Setting::default(),
            realm: 0,
        }
    }

    /// Whether the answer may have thoughts: what only goes on from a text, or fills a gap, has none.
    pub(super) fn may_think(&self) -> bool {
        let converses = match &self.prompt {
            Prompt::Chat(_) | Prompt::Tokens(_) => true,
            Prompt::Text(_) | Prompt::Fill { .. } => false,
        };
        converses && self.setting.effort != Some(Effort::None)
    }
}

/// How likely a token was, as logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLikelihood {
    pub token: u32,
    /// Not always whole characters.
    pub bytes: Vec<u8>,
    pub logarithm: f32,
    /// The likeliest in its place: token, bytes, logarithm.
    pub others: Vec<(u32, Vec<u8>, f32)>,
}

/// What an answer used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub prompt_tokens: usize,
    /// Those of the prompt that were computed before.
    pub reused_tokens: usize,
    pub output_tokens: usize,
    /// Those of the output that were thoughts, their marks among them.
    pub thought_tokens: usize,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it, or a stop text did.
    Stop,
    /// As many tokens as were asked for.
    Length,
    /// The context is full.
    Context,
    /// The model called tools, and waits for what comes of it.
    Calls,
}

/// A step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Whole characters, and the likelihoods of the tokens that they are of.
    Text {
        text: String,
        likelihoods: Vec<TokenLikelihood>,
    },
    /// What the model thinks, in whole characters.
    Thought(String),
    /// A call of a tool, whole. Calls are the last of an answer.
    Call(ToolCall),
    /// The last piece.
    End { finish: Finish, usage: Usage },
}

/// A request that can be run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) prompt: Vec<u32>,
    pub(super) output_max: usize,
    /// Why the answer ends there.
    pub(super) at_most: Finish,
    pub(super) calling: Option<Calling>,
    pub(super) outbox: Closing,
}

impl Job {
    pub(super) fn new(
        model: &Model,
        options: &Options,
        // Tokens of which keys and values can be kept.
        kept_max: usize,
        request: Request,
        outbox: Closing,
    ) -> Result<Self, Fault> {
        check(&request)?;
        let refused = |what: String| Err(Fault::Refused(what));
        // Found here rather than on the thread that others wait for.
        let calling = request.tools.calling(model.tokenizer())?;
        let may_call = { calling.iter() }.any(|calling| calling.held.is_some());
        let is_guided = request.grammar.is_some() || may_call;
        if is_guided && !model.tokenizer().vocabulary().writes_all() {
            return refused("this model's vocabulary cannot write every JSON".to_owned());
        }
        let context = options.context_of(model);
        let least = model.tokenizer().tokens_least(&request.prompt);
        if least >= context {
            // It need not be cut to be known as too long.
            return Err(Fault::PromptTooLong {
                tokens: least,
                context,
            });
        }
        let prompt = model.tokenizer().lay_out_with(
            &request.prompt,
            &request.tools.list,
            &request.setting,
        )?;
        if prompt.is_empty() {
            return refused("an empty prompt".to_owned());
        }
        if prompt.len() >= context {
            return Err(Fault::PromptTooLong {
                tokens: prompt.len(),
                context,
            });
        }
        // A prompt that finds no memory is refused by what the shortest answer would need.
        let room = context.min(kept_max).saturating_sub(prompt.len()).max(1);
        let asked = request.max_tokens.unwrap_or(options.max_tokens);
        if request.min_tokens > asked {
            return refused("min_tokens is more than max_tokens".to_owned());
        }
        let at_most = if asked <= room {
            Finish::Length
        } else {
            Finish::Context
        };
        Ok(Self {
            request,
            prompt,
            output_max: asked.min(room),
            at_most,
            calling,
            outbox,
        })
    }

    /// Tokens of which keys and values are kept at most.
    pub(super) fn tokens_max(&self) -> usize {
        self.prompt.len() + self.output_max
    }
}

/// What can be told of a request without its model.
fn check(request: &Request) -> Result<(), Fault> {
    request.sampling.check()?;
    Stops::check(&request.stops)?;
    if request
        .likelihoods
        .is_some_and(|many| many > LIKELIHOODS_MAX)
    {
        return Err(Fault::Refused(format!(
            "likelihoods of at most {LIKELIHOODS_MAX} tokens are told"
        )));
    }
    Ok(())
}
