//! The versions of Mistral's tokenizers: what each says of conversations, and how files show which
//! they are. What differs between versions stands here, and nowhere else is one asked for by its name.

use std::collections::HashMap;

use super::Controls;
use super::settings::Settings;

/// Between two turns of one speaker, and texts of one turn in most versions.
pub(super) const EMPTY_LINE: &str = "\n\n";

/// The rules by which prompts are laid out. They differ in where control tokens stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `[INST]` is text.
    V1,
    /// `[INST]` is a token.
    V2,
    /// As v2, and has tools.
    V3,
    /// The system prompt is a turn of its own.
    V7,
    /// As v7, but a call of a tool is a name, an id and arguments, each after a token.
    V11,
    /// As v11, but calls and results have no ids, and tools stand before the first turn of the user.
    V13,
    /// As v13, and a prompt says how the model is set.
    V15,
    /// v11 or later, of a file that does not say which. Without tools they are alike.
    Later,
}

/// What a version says of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// The marks of the user's turns are tokens; if not, they are text.
    pub(super) has_marks: bool,
    /// Spaces at the end of an answer are part of it.
    pub(super) keeps_spaces: bool,
    pub(super) system: System,
    /// What stands between two texts of one turn.
    pub(super) between: &'static str,
    /// Who thinks in turns of its own.
    pub(super) thoughts: Thoughts,
    /// `None`: there are no tools in its conversations, or nobody knows how they stand there.
    pub(super) tools: Option<ToolLayout>,
}

/// Where the system's word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// In a turn of the user.
    In(Place),
    /// In turns of its own.
    Turn,
}

/// Whose turns may have thoughts between tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thoughts {
    Nobodys,
    /// The assistant's.
    Own,
    /// Those of the system too, which show how to think.
    Shown,
}

/// A turn of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Last,
}

/// What a version says of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ToolLayout {
    /// The turn before which tools are shown.
    pub(super) shown: Place,
    pub(super) calls: CallLayout,
    pub(super) results: ResultLayout,
    /// Results stand in the order of their calls, however they came.
    pub(super) sorted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallLayout {
    /// One list of objects.
    List,
    /// Each a name, maybe an id, and arguments, after tokens that say which is which.
    Parts { id: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultLayout {
    /// An object of a content, which is JSON where it can be, and the id of its call.
    Object,
    /// Text as it is, after a token that ends the id of its call, where there is one.
    Text { id: bool },
}

/// Of v13 and later, whose calls have no ids.
const BARE: ToolLayout = ToolLayout {
    shown: Place::First,
    calls: CallLayout::Parts { id: false },
    results: ResultLayout::Text { id: false },
    sorted: true,
};

impl Version {
    pub(super) const fn layout(self) -> Layout {
        let plain = Layout {
            has_marks: true,
            keeps_spaces: false,
            system: System::Turn,
            between: EMPTY_LINE,
            thoughts: Thoughts::Nobodys,
            tools: None,
        };
        match self {
            Version::V1 => Layout {
                has_marks: false,
                keeps_spaces: true,
                system: System::In(Place::First),
                ..plain
            },
            // Where a conversation has drifted far from its beginning, the system's word is repeated at its end.
            Version::V2 => Layout {
                system: System::In(Place::Last),
                ..plain
            },
            Version::V3 => Layout {
                system: System::In(Place::Last),
                tools: Some(ToolLayout {
                    shown: Place::Last,
                    calls: CallLayout::List,
                    results: ResultLayout::Object,
                    sorted: false,
                }),
                ..plain
            },
            Version::V7 => Layout {
                tools: Some(ToolLayout {
                    shown: Place::Last,
                    calls: CallLayout::List,
                    results: ResultLayout::Text { id: true },
                    sorted: false,
                }),
                ..plain
            },
            Version::V11 => Layout {
                tools: Some(ToolLayout {
                    shown: Place::Last,
                    calls: CallLayout::Parts { id: true },
                    results: ResultLayout::Text { id: true },
                    sorted: true,
                }),
                ..plain
            },
            Version::V13 => Layout {
                thoughts: Thoughts::Shown,
                tools: Some(BARE),
                ..plain
            },
            Version::V15 => Layout {
                between: "",
                thoughts: Thoughts::Own,
                tools: Some(BARE),
                ..plain
            },
            Version::Later => Layout {
                thoughts: Thoughts::Shown,
                ..plain
            },
        }
    }

    /// As Mistral's own files call it.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "v3" => Some(Version::V3),
            "v7" => Some(Version::V7),
            "v11" => Some(Version::V11),
            "v13" => Some(Version::V13),
            "v15" => Some(Version::V15),
            _ => None,
        }
    }

    /// A SentencePiece vocabulary has the marks of its version and no others, but for that of Mistral's
    /// 7B v0.3: that model is of v3 and its vocabulary of v2, whose marks of tools no other model was
    /// published with.
    pub(super) fn of_marks(controls: &Controls) -> Self {
        let tools = [controls.tools, controls.calls, controls.results];
        let has_tools = tools.iter().all(Option::is_some);
        match (controls.user, controls.suffix, controls.system) {
            (None, _, _) => Version::V1,
            (Some(_), None, _) if has_tools => Version::V3,
            (Some(_), None, _) => Version::V2,
            (Some(_), Some(_), None) => Version::V3,
            (Some(_), Some(_), Some(_)) => Version::V7,
        }
    }

    /// Of a Tekken vocabulary without Mistral's own file, only the chat template tells, or its name; and
    /// how the model can be set.
    pub(super) fn of_words(
        template: Option<&str>,
        names: &HashMap<String, u32>,
    ) -> (Self, Option<Settings>) {
        let settings = template.and_then(Settings::of_template);
        match &settings {
            Some(_) => (Version::V15, settings),
            None => (Self::of_template(template, names), None),
        }
    }

    fn of_template(template: Option<&str>, names: &HashMap<String, u32>) -> Self {
        // Only later vocabularies name the arguments of a call.
        let is_later = names.contains_key("[ARGS]");
        let Some(template) = template else {
            return if is_later {
                Version::Later
            } else {
                Version::V3
            };
        };
        let has = |name: &str| template.contains(name);
        if has("[MODEL_SETTINGS]") {
            // v15, and the template does not tell how the model can be set.
            Version::Later
        } else if has("[ARGS]") && has("[CALL_ID]") {
            Version::V11
        } else if has("[ARGS]") {
            Version::V13
        } else if is_later {
            // The template of a model that is to call nothing, or one that somebody cut.
            Version::Later
        } else if has("[SYSTEM_PROMPT]") || template.trim() == "mistral-v7-tekken" {
            Version::V7
        } else {
            Version::V3
        }
    }
}
