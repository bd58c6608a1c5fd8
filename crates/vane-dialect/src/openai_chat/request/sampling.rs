//! Limits and sampling towards a provider: what it refuses is noted, never sent.

use super::encode::Body;
use crate::call::Sampling;
use crate::quirk::Quirk;

/// How many stop strings OpenAI takes.
const STOPS_MAX: usize = 4;

impl Body<'_, '_> {
    /// Writes them; `reasons` says that the model reasons.
    pub(crate) fn sampling(&mut self, sampling: &Sampling, reasons: bool) {
        let most = if self.has(Quirk::MaxTokens) {
            "max_tokens"
        } else {
            "max_completion_tokens"
        };
        if let Some(asked) = sampling.max_output {
            let limit = self.target.output(asked, most, self.notes);
            self.field(most, &limit);
        }
        self.beyond_openai("min_tokens", sampling.min_output.as_ref());
        self.randomness(sampling, reasons);
        self.beyond_openai("top_k", sampling.top_k.as_ref());
        self.beyond_openai("min_p", sampling.min_p.as_ref());
        let penalty = sampling.repetition_penalty.as_ref();
        self.beyond_openai("repetition_penalty", penalty);
        self.unless(Quirk::NoSeed, "seed", sampling.seed.as_ref());
        self.stop(&sampling.stop);
        if sampling.n.is_some_and(|n| n > 1) {
            self.notes.drop("n");
        }
    }

    fn randomness(&mut self, sampling: &Sampling, reasons: bool) {
        let fixed = if reasons && self.has(Quirk::SamplingUnlessReasoning) {
            Quirk::SamplingUnlessReasoning
        } else {
            Quirk::NoSampling
        };
        let temperature = sampling.temperature.as_ref();
        self.unless(fixed, "temperature", temperature);
        let other = if temperature.is_some() && self.has(Quirk::OneSampling) {
            Quirk::OneSampling
        } else {
            fixed
        };
        self.unless(other, "top_p", sampling.top_p.as_ref());
        let flat = if self.has(Quirk::NoPenalties) {
            Quirk::NoPenalties
        } else {
            fixed
        };
        let penalty = sampling.presence_penalty.as_ref();
        self.unless(flat, "presence_penalty", penalty);
        let penalty = sampling.frequency_penalty.as_ref();
        self.unless(flat, "frequency_penalty", penalty);
    }

    fn stop(&mut self, stop: &[String]) {
        let few = match stop.get(..STOPS_MAX) {
            Some(few) if stop.len() > STOPS_MAX && self.has(Quirk::OpenaiOwn) => {
                self.notes.drop("stop");
                few
            }
            Some(_) | None => stop,
        };
        let few = (!few.is_empty()).then_some(&few);
        self.unless(Quirk::NoStop, "stop", few);
    }
}
