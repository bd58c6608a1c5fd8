//! One request while it runs: its tokens, its blocks, and what of its answer is not told yet.

use super::calls::Calling;
use super::outbox::Closing;
use super::request::{Finish, Job, Piece, TokenLikelihood, Usage};
use super::stops::Stops;
use super::thoughts::{Thoughts, Told};
use super::writing::Writing;
use crate::cache::{BLOCK, Cache, Chain};
use crate::grammar::{Guide, Mask};
use crate::sampler::{Sampler, likelihoods};
use crate::tokenizer::Unfinished;
use crate::{Prompt, Tokenizer};

#[derive(Debug)]
pub(super) struct Sequence {
    /// The prompt, then the answer.
    tokens: Vec<u32>,
    /// Tokens whose keys and values are in the cache.
    done: usize,
    table: Vec<usize>,
    /// Blocks of the table that can be found by others, and their chain.
    kept: (usize, Chain),
    usage: Usage,
    output_max: usize,
    at_most: Finish,
    min_tokens: usize,
    likelihoods: Option<usize>,
    sampler: Sampler,
    guide: Option<Guide>,
    calling: Option<Calling>,
    /// Since calls have begun.
    calls: Option<Writing>,
    thoughts: Thoughts,
    /// Something was said, or calls have begun.
    has_begun: bool,
    stops: Stops,
    unfinished: Unfinished,
    /// The next token's first space is none.
    skips_space: bool,
    /// Of tokens whose text is not told yet.
    untold: Vec<TokenLikelihood>,
    outbox: Closing,
}

impl Sequence {
    /// Takes the memory that it may need at most. The job comes back if there is not so much.
    pub(super) fn admit(
        job: Box<Job>,
        tokenizer: &Tokenizer,
        cache: &mut Cache,
    ) -> Result<Self, Box<Job>> {
        let root = cache.root(job.request.realm);
        let found = cache.find(root, &job.prompt);
        let mut table: Vec<usize> = found.iter().map(|(block, _)| *block).collect();
        let missing = job.tokens_max().div_ceil(BLOCK) - table.len();
        if missing > cache.spare() {
            cache.release(&table);
            return Err(job);
        }
        let done = table.len() * BLOCK;
        let kept = (table.len(), found.last().map_or(root, |(_, chain)| *chain));
        table.extend((0..missing).filter_map(|_| cache.take()));
        let thoughts = Thoughts::new(
            tokenizer.think_marks(),
            job.request.may_think(),
            tokenizer.is_thinking(&job.prompt),
        );
        let Job {
            request,
            prompt,
            output_max,
            at_most,
            calling,
            outbox,
        } = *job;
        Ok(Self {
            done,
            table,
            kept,
            usage: Usage {
                prompt_tokens: prompt.len(),
                reused_tokens: done,
                output_tokens: 0,
                thought_tokens: 0,
            },
            output_max,
            at_most,
            min_tokens: request.min_tokens,
            likelihoods: request.likelihoods,
            sampler: Sampler::new(request.sampling, &prompt),
            guide: request.grammar.map(Guide::new),
            calling,
            calls: None,
            thoughts,
            has_begun: false,
            stops: Stops::new(request.stops),
            unfinished: Unfinished::default(),
            skips_space: matches!(request.prompt, Prompt::Chat(_)) && tokenizer.has_dummy_space(),
            untold: Vec::new(),
            tokens: prompt,
            outbox,
        })
    }

    pub(super) fn table(&self) -> &[usize] {
        &self.table
    }

    /// Tokens that are to be run, and the position of the first.
    pub(super) fn pending(&self) -> (usize, &[u32]) {
        (self.done, &self.tokens[self.done..])
    }

    pub(super) fn is_left(&self) -> bool {
        self.outbox.0.is_left()
    }

    /// Tells its reader why nothing follows.
    pub(super) fn fail(&self, what: &str) {
        self.outbox.0.fail(what);
    }

    pub(super) fn waits_for_its_reader(&self) -> bool {
        self.outbox.0.is_full()
    }

    /// So many more of its tokens are in the cache.
    pub(super) fn advance(&mut self, many: usize, cache: &mut Cache) {
        self.done += many;
        while (self.kept.0 + 1) * BLOCK <= self.done {
            let (number, chain) = self.kept;
            let tokens = &self.tokens[number * BLOCK..(number + 1) * BLOCK];
            self.kept = (number + 1, cache.keep(self.table[number], chain, tokens));
        }
    }

    /// Goes on by one token. Says whether the answer is over, and then has told so.
    pub(super) fn accept(&mut self, logits: &[f32], tokenizer: &Tokenizer) -> bool {
        // A model may have room for more tokens than its tokenizer knows.
        let logits = &logits[..tokenizer.len().min(logits.len())];
        let early = self.usage.output_tokens < self.min_tokens;
        let mask = self.mask(early, tokenizer);
        let banned = tokenizer.end().filter(|_| early && mask.is_none());
        let token = self.sampler.choose(logits, banned, mask.as_ref());
        if tokenizer.end() == Some(token) {
            let Some(calls) = &mut self.calls else {
                // Who ends within a thought has not answered.
                let is_answer = !self.thoughts.is_open();
                return self.end(if is_answer {
                    Finish::Stop
                } else {
                    Finish::Length
                });
            };
            if let Some(call) = calls.finish() {
                self.outbox.0.push(Piece::Call(call));
            }
            return self.end(Finish::Calls);
        }
        self.tokens.push(token);
        self.usage.output_tokens += 1;
        if let Some(calls) = &mut self.calls {
            for call in calls.push(token, tokenizer) {
                self.outbox.0.push(Piece::Call(call));
            }
            return calls.is_over(tokenizer) && self.end(Finish::Calls) || self.is_at_its_end();
        }
        match self.thoughts.push(token, tokenizer.text(token)) {
            Told::No => self.has_begun = true,
            Told::Begin => {
                let text = self.rest();
                self.tell(text, true);
                self.usage.thought_tokens += 1;
                return self.is_at_its_end();
            }
            Told::Within(text) => {
                self.tell_thought(text);
                self.usage.thought_tokens += 1;
                return self.is_at_its_end();
            }
        }
        if let Some(calling) = self.calling.take_if(|calling| calling.begin == token) {
            self.begin_calls(&calling, tokenizer);
            return self.is_at_its_end();
        }
        if let Some(many) = self.likelihoods {
            self.untold.push(likelihood(logits, token, many, tokenizer));
        }
        let mut bytes = tokenizer.text(token);
        if std::mem::take(&mut self.skips_space) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        if let Some(guide) = &mut self.guide {
            guide.push(bytes);
        }
        if self.say(bytes) {
            return true;
        }
        let is_over = self.guide.as_ref().is_some_and(Guide::is_over);
        is_over && self.end(Finish::Stop) || self.is_at_its_end()
    }

    /// Tells text. Says whether it ends the answer.
    fn say(&mut self, bytes: &[u8]) -> bool {
        let text = self.unfinished.push(bytes);
        let early = self.usage.output_tokens < self.min_tokens;
        let (text, stops) = if early {
            (self.stops.pass(&text), false)
        } else {
            self.stops.push(&text)
        };
        self.tell(text, false);
        if stops {
            self.untold.clear();
            self.push_end(Finish::Stop);
        }
        stops
    }

    /// What was said before is told whole; what comes now is no text.
    fn begin_calls(&mut self, calling: &Calling, tokenizer: &Tokenizer) {
        let text = self.rest();
        self.tell(text, true);
        let held = calling.held.as_ref();
        self.calls = held.map(|held| Writing::new(held, &self.tokens, tokenizer));
        self.guide = None;
        self.likelihoods = None;
    }

    /// Tokens that may come, where that is not all. The end may only where a text of a grammar is
    /// whole, and there it must where nothing else may, however early.
    fn mask(&mut self, early: bool, tokenizer: &Tokenizer) -> Option<Mask> {
        if let Some(calls) = &mut self.calls {
            return Some(calls.mask(early, tokenizer));
        }
        if self.thoughts.is_open() {
            return Some(self.mask_of_thought(early, tokenizer));
        }
        let begins = !self.has_begun;
        // One comes before an answer of a form, and not one after another.
        let may_think = begins && self.usage.thought_tokens == 0;
        let thought = self.thoughts.beginning().filter(|_| may_think);
        let forced = self
            .calling
            .as_ref()
            .filter(|calling| calling.forced && begins);
        if let Some(calling) = forced {
            let mut mask = Mask::none(tokenizer.len());
            mask.allow(calling.begin);
            thought.into_iter().for_each(|begin| mask.allow(begin));
            return Some(mask);
        }
        let calls = self.calling.as_ref();
        let Some(guide) = self.guide.as_mut() else {
            let call = calls.filter(|calling| calling.held.is_none());
            let call = call.map(|calling| calling.begin);
            let banned = [call, self.thoughts.forbidden()];
            if banned == [None; 2] {
                return None;
            }
            let mut mask = Mask::all(tokenizer.len());
            banned
                .into_iter()
                .flatten()
                .for_each(|token| mask.forbid(token));
            tokenizer
                .end()
                .filter(|_| early)
                .into_iter()
                .for_each(|end| mask.forbid(end));
            return Some(mask);
        };
        let mut mask = guide.allowed(tokenizer.vocabulary(), self.skips_space);
        if guide.is_complete() && (!early || mask.is_empty()) {
            tokenizer.end().into_iter().for_each(|end| mask.allow(end));
        }
        // Instead of the text that the grammar asks for, and not within it.
        if let Some(calling) = calls.filter(|calling| begins && calling.held.is_some()) {
            mask.allow(calling.begin);
        }
        // Before it.
        thought.into_iter().for_each(|begin| mask.allow(begin));
        Some(mask)
    }

    /// A thought ends before calls begin, and before an answer that was promised a form. Where none
    /// was, the model may end within it.
    fn mask_of_thought(&self, early: bool, tokenizer: &Tokenizer) -> Mask {
        let mut mask = Mask::all(tokenizer.len());
        let calls = self.calling.as_ref();
        let call = calls.map(|calling| calling.begin);
        let marks = [call, self.thoughts.mark()];
        marks
            .into_iter()
            .flatten()
            .for_each(|token| mask.forbid(token));
        let promised = self.guide.is_some() || calls.is_some_and(|calling| calling.forced);
        if early || promised {
            tokenizer.end().into_iter().for_each(|end| mask.forbid(end));
        }
        mask
    }

    /// Whether as many tokens are there as may be. Then it has told so.
    pub(super) fn is_at_its_end(&mut self) -> bool {
        self.usage.output_tokens >= self.output_max && self.end(self.at_most)
    }

    fn end(&mut self, finish: Finish) -> bool {
        let thought = self.thoughts.finish();
        self.tell_thought(thought);
        let text = self.rest();
        self.tell(text, true);
        self.push_end(finish);
        true
    }

    /// What of the text was held back.
    fn rest(&mut self) -> String {
        let rest = self.unfinished.finish();
        let (text, stops) = self.stops.push(&rest);
        if stops {
            text
        } else {
            text + &self.stops.finish()
        }
    }

    /// What has text is told with it; at the end, also what has none.
    fn tell(&mut self, text: String, ends: bool) {
        if !text.is_empty() || ends && !self.untold.is_empty() {
            let likelihoods = std::mem::take(&mut self.untold);
            self.outbox.0.push(Piece::Text { text, likelihoods });
        }
    }

    fn tell_thought(&self, text: String) {
        if !text.is_empty() {
            self.outbox.0.push(Piece::Thought(text));
        }
    }

    fn push_end(&self, finish: Finish) {
        self.outbox.0.push(Piece::End {
            finish,
            usage: self.usage,
        });
    }
}

fn likelihood(logits: &[f32], token: u32, many: usize, tokenizer: &Tokenizer) -> TokenLikelihood {
    let (logarithm, others) = likelihoods(logits, token, many);
    let bytes = |token| tokenizer.text(token).to_vec();
    let others = others
        .into_iter()
        .map(|(token, logarithm)| (token, bytes(token), logarithm));
    TokenLikelihood {
        token,
        bytes: bytes(token),
        logarithm,
        others: others.collect(),
    }
}
