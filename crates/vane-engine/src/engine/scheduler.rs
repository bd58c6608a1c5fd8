//! Which tokens run in the next pass.
//!
//! Every sequence that has begun to answer goes on by one token in every pass. What is left of a pass
//! is shared evenly among those that still read their prompts, so that a long prompt delays nobody.
//! Requests begin in the order in which they came, when there is memory for all that they may need:
//! what has begun never stops for lack of it.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};

use super::request::Job;
use super::sequence::Sequence;
use super::{Load, Options, Word, lock};
use crate::cache::Cache;
use crate::model::{Pass, Step};
use crate::{Fault, Model};

pub(super) struct Scheduler {
    model: Arc<Model>,
    options: Options,
    cache: Cache,
    pass: Pass,
    words: Receiver<Word>,
    waiting: VecDeque<Box<Job>>,
    waiting_count: Arc<Mutex<usize>>,
    running: Vec<Sequence>,
    questions: Vec<Sender<Load>>,
    /// Who is first when a pass is shared.
    turn: usize,
}

impl Scheduler {
    pub(super) fn new(
        model: Arc<Model>,
        options: Options,
        (pass, cache): (Pass, Cache),
        words: Receiver<Word>,
        waiting_count: Arc<Mutex<usize>>,
    ) -> Self {
        Self {
            model,
            pass,
            options,
            cache,
            words,
            waiting: VecDeque::new(),
            waiting_count,
            running: Vec::new(),
            questions: Vec::new(),
            turn: 0,
        }
    }

    pub(super) fn run(mut self) {
        while self.listen() {
            self.sweep();
            self.admit();
            self.answer_questions();
            if let Err(fault) = self.pass() {
                return self.fail(&fault);
            }
            // Who waited for one that ended now is nobody's news, and begins all the same.
            self.admit();
        }
    }

    /// The end of all answers: what a device has in its memory is not to be trusted any more.
    fn fail(self, fault: &Fault) {
        let what = match fault {
            Fault::Device(what) => what.clone(),
            other => other.to_string(),
        };
        self.running
            .iter()
            .for_each(|sequence| sequence.fail(&what));
    }

    /// Takes what was said, and waits for it where there is nothing to do. False is the end.
    fn listen(&mut self) -> bool {
        if self.running.iter().all(Sequence::waits_for_its_reader) {
            let heard = self.words.recv().is_ok_and(|word| self.hear(word));
            if !heard {
                return false;
            }
        }
        while let Ok(word) = self.words.try_recv() {
            if !self.hear(word) {
                return false;
            }
        }
        true
    }

    fn hear(&mut self, word: Word) -> bool {
        match word {
            Word::Submit(job) => self.waiting.push_back(job),
            Word::Load(question) => self.questions.push(question),
            Word::Wake => {}
            Word::Stop => return false,
        }
        true
    }

    /// Lets go of whom nobody reads any more.
    fn sweep(&mut self) {
        let cache = &mut self.cache;
        self.running.retain(|sequence| {
            // Asked once: who leaves between two questions would leave its memory behind.
            let is_left = sequence.is_left();
            if is_left {
                cache.release(sequence.table());
            }
            !is_left
        });
        let before = self.waiting.len();
        self.waiting.retain(|job| !job.outbox.0.is_left());
        *lock(&self.waiting_count) -= before - self.waiting.len();
    }

    fn admit(&mut self) {
        while self.running.len() < self.options.sequences_max {
            let Some(job) = self.waiting.pop_front() else {
                return;
            };
            match Sequence::admit(job, self.model.tokenizer(), &mut self.cache) {
                Ok(mut sequence) => {
                    *lock(&self.waiting_count) -= 1;
                    if sequence.is_at_its_end() {
                        self.cache.release(sequence.table());
                    } else {
                        self.running.push(sequence);
                    }
                }
                Err(job) => return self.waiting.push_front(job),
            }
        }
    }

    fn answer_questions(&mut self) {
        let load = Load {
            running: self.running.len(),
            waiting: self.waiting.len(),
            blocks_used: self.cache.used(),
            blocks_max: self.cache.blocks_max(),
        };
        for question in self.questions.drain(..) {
            // Who asked may have gone.
            let _ = question.send(load);
        }
    }

    /// How many tokens of each sequence run now.
    fn shares(&mut self) -> Vec<usize> {
        let mut shares = vec![0; self.running.len()];
        let mut reading = Vec::new();
        for (number, sequence) in self.running.iter().enumerate() {
            match sequence.pending().1.len() {
                _ if sequence.waits_for_its_reader() => {}
                1 => shares[number] = 1,
                _ => reading.push(number),
            }
        }
        let first = self.turn % reading.len().max(1);
        self.turn = self.turn.wrapping_add(1);
        reading.rotate_left(first);
        let mut left = self.options.chunk_tokens.max(1);
        let many = reading.len();
        for (before, number) in reading.into_iter().enumerate() {
            let pending = self.running[number].pending().1.len();
            let share = left.div_ceil(many - before).min(pending);
            shares[number] = share;
            left -= share;
        }
        shares
    }

    fn pass(&mut self) -> Result<(), Fault> {
        let shares = self.shares();
        let mut steps = Vec::new();
        for (sequence, share) in self.running.iter().zip(&shares) {
            let (first, pending) = sequence.pending();
            for (at, token) in pending[..*share].iter().enumerate() {
                steps.push(Step {
                    token: *token,
                    position: first + at,
                    table: sequence.table(),
                    asks: at + 1 == pending.len(),
                });
            }
        }
        if steps.is_empty() {
            return Ok(());
        }
        let answers = self.pass.run(&self.model, &mut self.cache, &steps)?;
        let mut answers = answers.into_iter();
        let (cache, tokenizer) = (&mut self.cache, self.model.tokenizer());
        let mut shares = shares.into_iter();
        self.running.retain_mut(|sequence| {
            let share = shares.next().unwrap_or_default();
            let asks = share > 0 && share == sequence.pending().1.len();
            sequence.advance(share, cache);
            let answer = if asks { answers.next() } else { None };
            let over = answer.is_some_and(|logits| sequence.accept(&logits, tokenizer));
            if over {
                cache.release(sequence.table());
            }
            !over
        });
        Ok(())
    }
}
