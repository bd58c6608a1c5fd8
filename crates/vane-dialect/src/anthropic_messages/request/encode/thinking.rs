//! Whether and how the model is asked to think, as Anthropic takes it.
//!
//! Thinking has conditions whose breach is a 400; where the rest of the call breaks one, the call
//! goes without thinking and a note says so.

use super::super::OF_THINKING;
use super::inner_extras;
use super::part::Part;
use super::tools::is_forced;
use super::turns::Message;
use crate::anthropic_messages::wire::Members;
use crate::call::{Chat, Effort, ReasoningMode, Show};
use crate::exchange::Target;
use crate::notes::Notes;
use crate::quirk::Quirk;

/// The least budget that Anthropic takes.
const BUDGET_MIN: u64 = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    Unsaid,
    Disabled,
    /// The model decides, guided by the effort.
    Adaptive,
    /// With a budget of tokens.
    Manual(u64),
    BetweenTools,
}

impl Thinking {
    pub(super) fn choose(
        chat: &Chat,
        target: &Target<'_>,
        messages: &[Message<'_>],
        max_output: u64,
        notes: &mut Notes,
    ) -> Self {
        let wanted = Self::wanted(chat, target, notes);
        let forced = is_forced(chat, target);
        let prefilled = messages.last().is_some_and(Message::is_prefill);
        let possible = match wanted {
            Self::Unsaid | Self::Disabled => true,
            // Models that decide for themselves go on from a turn without thinking.
            Self::Adaptive | Self::BetweenTools => !forced && !prefilled,
            Self::Manual(_) => {
                max_output > BUDGET_MIN && !forced && !prefilled && !is_unthought_loop(messages)
            }
        };
        let chosen = if possible {
            wanted
        } else {
            notes.drop("reasoning");
            Self::Disabled
        };
        match chosen {
            // The budget is a part of the limit and must leave room for an answer.
            Self::Manual(budget) => {
                let own = chat.reasoning.budget_tokens.is_some();
                let most = if own { max_output - 1 } else { max_output / 2 };
                Self::Manual(budget.min(most).max(BUDGET_MIN))
            }
            Self::Disabled if target.quirks.has(Quirk::AlwaysThinks) => {
                notes.drop("thinking");
                Self::Unsaid
            }
            Self::Unsaid | Self::Disabled | Self::Adaptive | Self::BetweenTools => chosen,
        }
    }

    fn wanted(chat: &Chat, target: &Target<'_>, notes: &mut Notes) -> Self {
        let ask = &chat.reasoning;
        let has_effort = ask.effort.is_some_and(|effort| effort != Effort::None);
        // A mode of tomorrow is written as it stood, among the extras.
        if super::has_own(chat, "thinking") {
            return Self::Unsaid;
        }
        let wanted = match (ask.mode, ask.budget_tokens) {
            (ReasoningMode::Off, _) => Self::Disabled,
            (ReasoningMode::Adaptive, _) => Self::Adaptive,
            (ReasoningMode::BetweenTools, _) => Self::BetweenTools,
            (ReasoningMode::Unsaid, _) if ask.effort == Some(Effort::None) => Self::Disabled,
            (ReasoningMode::On | ReasoningMode::Unsaid, Some(budget)) => {
                if target.quirks.has(Quirk::NoThinkingBudget) {
                    notes.drop("budget_tokens");
                    return Self::Adaptive;
                }
                Self::Manual(budget)
            }
            (ReasoningMode::On, None) => Self::Adaptive,
            (ReasoningMode::Unsaid, None) if has_effort => Self::Adaptive,
            (ReasoningMode::Unsaid, None) => Self::Unsaid,
        };
        match wanted {
            Self::Adaptive | Self::BetweenTools if target.quirks.has(Quirk::NoAdaptiveThinking) => {
                Self::Manual(budget_of(ask.effort))
            }
            Self::Unsaid
            | Self::Disabled
            | Self::Adaptive
            | Self::Manual(_)
            | Self::BetweenTools => wanted,
        }
    }

    /// Whether thoughts are given back that the model may no longer take: clients of other dialects
    /// change instructions and tools between turns, and their histories are written anew.
    pub(super) fn passes_over(
        self,
        chat: &Chat,
        target: &Target<'_>,
        messages: &[Message<'_>],
    ) -> bool {
        let mut parts = messages.iter().flat_map(|message| &message.parts);
        target.quirks.has(Quirk::BindsThoughts)
            && matches!(self, Self::Unsaid | Self::Adaptive)
            && !super::has_own(chat, "thinking")
            && !super::has_own(chat, &format!("{OF_THINKING}block_binding"))
            && parts.any(Part::is_thought)
    }

    pub(super) const fn is_on(self) -> bool {
        matches!(self, Self::Adaptive | Self::Manual(_) | Self::BetweenTools)
    }

    pub(super) fn write(
        self,
        chat: &Chat,
        passes_over: bool,
        members: &mut Members<'_>,
        notes: &mut Notes,
    ) {
        let kind = match self {
            Self::Unsaid => {
                if chat.reasoning.show.is_some() {
                    notes.drop("reasoning.summary");
                }
                return;
            }
            Self::Disabled => "disabled",
            Self::Adaptive => "adaptive",
            Self::Manual(_) => "enabled",
            Self::BetweenTools => "between_tools",
        };
        let mut inner = Members::open(members.key("thinking"));
        inner.text("type", kind);
        if let Self::Manual(budget) = self {
            inner.number("budget_tokens", budget);
        }
        match chat.reasoning.show {
            None => {}
            Some(_) if self == Self::Disabled => {}
            // `between_tools` has no display.
            Some(_) if self == Self::BetweenTools => notes.drop("thinking.display"),
            Some(Show::Omitted) => inner.text("display", "omitted"),
            Some(Show::Auto | Show::Concise | Show::Detailed | Show::Summarized) => {
                inner.text("display", "summarized");
            }
        }
        if passes_over {
            let mut binding = Members::open(inner.key("block_binding"));
            binding.text("prefix_mismatch_behavior", "drop_block");
            binding.close();
        }
        inner_extras(chat, OF_THINKING, &mut inner);
        inner.close();
    }
}

/// The budget that spends about as much as an effort; unsaid, it is high at Anthropic.
const fn budget_of(effort: Option<Effort>) -> u64 {
    match effort {
        Some(Effort::None | Effort::Minimal) => BUDGET_MIN,
        Some(Effort::Low) => 2048,
        Some(Effort::Medium) => 8192,
        Some(Effort::High) | None => 16_384,
        Some(Effort::Xhigh) => 24_576,
        Some(Effort::Max) => 32_768,
    }
}

/// Whether results are given to an assistant turn that called tools without a thought of this
/// provider before them: with a budget, Anthropic refuses to think on from there (T4).
fn is_unthought_loop(messages: &[Message<'_>]) -> bool {
    let [.., asked, given] = messages else {
        return false;
    };
    let calls = asked.parts.iter().any(|p| matches!(p, Part::ToolUse(_)));
    let answers = given
        .parts
        .iter()
        .any(|p| matches!(p, Part::ToolResult(..)));
    let thought = asked.parts.first().is_some_and(Part::is_thought);
    asked.is_assistant && calls && answers && !thought
}
