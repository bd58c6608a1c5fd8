//! What a request says to the model, laid out as tokens: a text, a conversation, or a gap to fill.

use std::collections::HashMap;

use super::version::{EMPTY_LINE, Place, System, Thoughts};
use super::{Setting, Tokenizer, Tool, ToolCall};
use crate::Fault;

/// Who speaks in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
    /// The assistant, who calls tools after what it says, if it says anything.
    Caller(Vec<ToolCall>),
    /// A tool, whose content is what came of a call.
    Tool {
        call_id: String,
    },
}

impl Role {
    /// Whether their turns are one where they follow each other.
    fn joins(&self, next: &Role) -> bool {
        let speaks = |role: &Role| matches!(role, Role::Assistant | Role::Caller(_));
        match self {
            Role::User => *next == Role::User,
            Role::Assistant | Role::Caller(_) => speaks(next),
            Role::System | Role::Tool { .. } => false,
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: Vec<Part>,
}

/// A part of what is said in a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// Of the assistant, or of the system to show it how to think. One that is not closed goes on.
    Thought {
        text: String,
        closed: bool,
    },
}

impl Message {
    /// A turn of one text.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        let content = vec![Part::Text(text.into())];
        Self { role, content }
    }
}

impl Part {
    pub fn text(&self) -> &str {
        match self {
            Part::Text(text) | Part::Thought { text, .. } => text,
        }
    }
}

/// What is to be continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// The text goes on.
    Text(String),
    /// As they are.
    Tokens(Vec<u32>),
    /// The assistant answers; where its own turn is the last, that goes on.
    Chat(Vec<Message>),
    /// What stands between these is written.
    Fill { prefix: String, suffix: String },
}

impl Tokenizer {
    /// The tokens of a prompt.
    pub fn lay_out(&self, prompt: &Prompt) -> Result<Vec<u32>, Fault> {
        self.lay_out_with(prompt, &[], &Setting::default())
    }

    /// The tokens of a prompt; of a conversation, with these tools to call, of a model that is set so.
    pub fn lay_out_with(
        &self,
        prompt: &Prompt,
        tools: &[Tool],
        setting: &Setting,
    ) -> Result<Vec<u32>, Fault> {
        if !tools.is_empty() && !matches!(prompt, Prompt::Chat(_)) {
            return Err(Fault::Refused("tools are for conversations".to_owned()));
        }
        let mut tokens: Vec<u32> = self.controls.begin.into_iter().collect();
        match prompt {
            Prompt::Tokens(tokens) => return self.known(tokens),
            Prompt::Text(text) => tokens.extend(self.encode(text)),
            Prompt::Fill { prefix, suffix } => self.fill(&mut tokens, prefix, suffix)?,
            Prompt::Chat(messages) => self.chat(&mut tokens, messages, (tools, setting))?,
        }
        Ok(tokens)
    }

    /// So many tokens a prompt has at least, if each were the longest of all.
    pub(crate) fn tokens_least(&self, prompt: &Prompt) -> usize {
        let bytes = match prompt {
            Prompt::Tokens(tokens) => return tokens.len(),
            Prompt::Text(text) => text.len(),
            Prompt::Fill { prefix, suffix } => prefix.len().saturating_add(suffix.len()),
            Prompt::Chat(messages) => {
                let parts = messages.iter().flat_map(|one| &one.content);
                // Thoughts are left out by some.
                let texts = parts.filter(|part| matches!(part, Part::Text(_)));
                texts.map(|part| part.text().trim().len()).sum()
            }
        };
        bytes / self.longest()
    }

    fn known(&self, tokens: &[u32]) -> Result<Vec<u32>, Fault> {
        let exists = |token: &u32| usize::try_from(*token).is_ok_and(|token| token < self.len());
        match tokens.iter().find(|token| !exists(token)) {
            Some(token) => Err(Fault::Refused(format!("token {token}, of {}", self.len()))),
            None => Ok(tokens.to_vec()),
        }
    }

    /// The suffix stands first, so that the prefix is what goes on.
    fn fill(&self, tokens: &mut Vec<u32>, prefix: &str, suffix: &str) -> Result<(), Fault> {
        let (Some(before), Some(after)) = (self.controls.prefix, self.controls.suffix) else {
            return Err(Fault::Refused(
                "this model cannot fill in the middle".to_owned(),
            ));
        };
        tokens.push(after);
        tokens.extend(self.encode_within(suffix));
        tokens.push(before);
        tokens.extend(self.encode(prefix));
        Ok(())
    }

    fn chat(
        &self,
        tokens: &mut Vec<u32>,
        messages: &[Message],
        (tools, setting): (&[Tool], &Setting),
    ) -> Result<(), Fault> {
        let layout = self.version.layout();
        let thoughts = if self.thinks() {
            layout.thoughts
        } else {
            Thoughts::Nobodys
        };
        let mut turns = turns(messages, layout.between, thoughts)?;
        if layout.tools.is_some_and(|tools| tools.sorted) {
            sort_results(&mut turns);
        }
        if !tools.is_empty() {
            self.check_tools()?;
        }
        let system = turns.iter().filter(|turn| turn.role == Role::System);
        let system: Vec<&str> = system.map(said).filter(|text| !text.is_empty()).collect();
        let system = system.join(EMPTY_LINE);
        let is_user = |turn: &Message| turn.role == Role::User;
        let user = |place| match place {
            Place::First => turns.iter().position(is_user),
            Place::Last => turns.iter().rposition(is_user),
        };
        let bears_system = match layout.system {
            System::In(place) => user(place),
            System::Turn => None,
        };
        let bears_tools = layout.tools.and_then(|tools| user(tools.shown));
        for (at, turn) in turns.iter().enumerate() {
            let content = said(turn);
            match &turn.role {
                Role::System if layout.system != System::Turn => {}
                Role::System => self.system(tokens, &turn.content)?,
                Role::User => {
                    if bears_tools == Some(at) && !tools.is_empty() {
                        self.available(tokens, tools);
                    }
                    if bears_tools == Some(at) {
                        self.set(tokens, setting)?;
                    }
                    if bears_system == Some(at) && !system.is_empty() {
                        self.user(tokens, &format!("{system}{EMPTY_LINE}{content}"))?;
                    } else {
                        self.user(tokens, content)?;
                    }
                }
                Role::Assistant => self.assistant(tokens, &turn.content, at + 1 == turns.len()),
                Role::Caller(calls) => {
                    self.assistant(tokens, &turn.content, true);
                    self.called(tokens, calls)?;
                    tokens.extend(self.controls.end);
                }
                Role::Tool { call_id } => self.result(tokens, call_id, content)?,
            }
        }
        Ok(())
    }

    fn system(&self, tokens: &mut Vec<u32>, content: &[Part]) -> Result<(), Fault> {
        let (Some(begin), Some(end)) = (self.controls.system, self.controls.system_end) else {
            return Err(Fault::Refused("this model does not converse".to_owned()));
        };
        tokens.push(begin);
        content.iter().for_each(|part| self.part(tokens, part));
        tokens.push(end);
        Ok(())
    }

    fn user(&self, tokens: &mut Vec<u32>, content: &str) -> Result<(), Fault> {
        if !self.version.layout().has_marks {
            tokens.extend(self.encode(&format!("[INST] {content} [/INST]")));
            return Ok(());
        }
        let (Some(begin), Some(end)) = (self.controls.user, self.controls.user_end) else {
            return Err(Fault::Refused("this model does not converse".to_owned()));
        };
        tokens.push(begin);
        tokens.extend(self.encode(content));
        tokens.push(end);
        Ok(())
    }

    fn assistant(&self, tokens: &mut Vec<u32>, content: &[Part], goes_on: bool) {
        match content {
            // Beside thoughts the reference keeps them, too.
            [Part::Text(text)] if !self.version.layout().keeps_spaces => {
                tokens.extend(self.encode(text.trim_end_matches(' ')));
            }
            parts => parts.iter().for_each(|part| self.part(tokens, part)),
        }
        if !goes_on {
            tokens.extend(self.controls.end);
        }
    }

    fn part(&self, tokens: &mut Vec<u32>, part: &Part) {
        match part {
            Part::Text(text) => tokens.extend(self.encode(text)),
            Part::Thought { text, closed } => {
                tokens.extend(self.controls.think);
                tokens.extend(self.encode(text));
                tokens.extend(self.controls.think_end.filter(|_| *closed));
            }
        }
    }
}

/// What a turn without thoughts says: its texts are one.
fn said(turn: &Message) -> &str {
    turn.content.first().map_or("", Part::text)
}

/// Turns of one speaker after each other are one, joined by an empty line, as the reference has it;
/// but for those of the system and of tools. Texts of one turn have `between` between them.
fn turns(messages: &[Message], between: &str, thoughts: Thoughts) -> Result<Vec<Message>, Fault> {
    let mut turns: Vec<Message> = Vec::new();
    for message in messages {
        may_think(message, thoughts)?;
        match turns.last_mut() {
            Some(last) if last.role.joins(&message.role) => {
                append(&mut last.content, message, between, thoughts);
                if let Role::Caller(more) = &message.role {
                    match &mut last.role {
                        Role::Caller(calls) => calls.extend_from_slice(more),
                        role => *role = Role::Caller(more.clone()),
                    }
                }
            }
            _ => {
                let mut content = Vec::new();
                append(&mut content, message, between, thoughts);
                let role = message.role.clone();
                turns.push(Message { role, content });
            }
        }
    }
    if turns.iter().any(|turn| turn.role == Role::User) {
        Ok(turns)
    } else {
        Err(Fault::Refused(
            "a conversation needs a turn of the user".to_owned(),
        ))
    }
}

/// What cannot be shown of the assistant's own thoughts is left out; others mean something that would
/// be lost.
fn may_think(message: &Message, thoughts: Thoughts) -> Result<(), Fault> {
    let is_thought = |part: &Part| matches!(part, Part::Thought { .. });
    let thinks = message.content.iter().any(is_thought);
    let what = match &message.role {
        Role::Assistant | Role::Caller(_) => return Ok(()),
        Role::System if thoughts == Thoughts::Shown => return Ok(()),
        Role::System => "this model's system prompts have no thoughts",
        Role::User | Role::Tool { .. } => "a user and a tool have no thoughts",
    };
    if thinks {
        Err(Fault::Refused(what.to_owned()))
    } else {
        Ok(())
    }
}

/// Adds the parts of a message to those of its turn: texts beside each other are one.
fn append(content: &mut Vec<Part>, message: &Message, between: &str, thoughts: Thoughts) {
    let mut joint = EMPTY_LINE;
    for part in &message.content {
        match (content.last_mut(), part) {
            (_, Part::Text(text)) if text.is_empty() => continue,
            (_, Part::Thought { .. }) if thoughts == Thoughts::Nobodys => continue,
            (Some(Part::Text(last)), Part::Text(text)) => {
                last.push_str(joint);
                last.push_str(text);
            }
            _ => content.push(part.clone()),
        }
        joint = between;
    }
}

/// Where results bear no id, only their order says of which call they are.
fn sort_results(turns: &mut [Message]) {
    let is_result = |turn: &Message| matches!(turn.role, Role::Tool { .. });
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut at = 0;
    while at < turns.len() {
        let many = turns[at..].iter().take_while(|turn| is_result(turn));
        let many = many.count();
        turns[at..at + many].sort_by_key(|turn| match &turn.role {
            Role::Tool { call_id } => places.get(call_id).copied().unwrap_or(usize::MAX),
            Role::System | Role::User | Role::Assistant | Role::Caller(_) => usize::MAX,
        });
        if many > 0 {
            places.clear();
            at += many;
            continue;
        }
        if let Role::Caller(calls) = &turns[at].role {
            for call in calls {
                let place = places.len();
                places.insert(call.id.clone(), place);
            }
        }
        at += 1;
    }
}
