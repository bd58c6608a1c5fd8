//! What a request says to the model, laid out as tokens: a text, a conversation, or a gap to fill.

use std::collections::HashMap;

use super::version::{Place, System};
use super::{Tokenizer, Tool, ToolCall};
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
    pub content: String,
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
        self.lay_out_with(prompt, &[])
    }

    /// The tokens of a prompt; of a conversation, with these tools to call.
    pub fn lay_out_with(&self, prompt: &Prompt, tools: &[Tool]) -> Result<Vec<u32>, Fault> {
        if !tools.is_empty() && !matches!(prompt, Prompt::Chat(_)) {
            return Err(Fault::Refused("tools are for conversations".to_owned()));
        }
        let mut tokens: Vec<u32> = self.controls.begin.into_iter().collect();
        match prompt {
            Prompt::Tokens(tokens) => return self.known(tokens),
            Prompt::Text(text) => tokens.extend(self.encode(text)),
            Prompt::Fill { prefix, suffix } => self.fill(&mut tokens, prefix, suffix)?,
            Prompt::Chat(messages) => self.chat(&mut tokens, messages, tools)?,
        }
        Ok(tokens)
    }

    /// So many tokens a prompt has at least, if each were the longest of all.
    pub(crate) fn tokens_least(&self, prompt: &Prompt) -> usize {
        let bytes = match prompt {
            Prompt::Tokens(tokens) => return tokens.len(),
            Prompt::Text(text) => text.len(),
            Prompt::Fill { prefix, suffix } => prefix.len().saturating_add(suffix.len()),
            Prompt::Chat(messages) => messages.iter().map(|one| one.content.trim().len()).sum(),
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
        tools: &[Tool],
    ) -> Result<(), Fault> {
        let layout = self.version.layout();
        let mut turns = turns(messages)?;
        if layout.tools.is_some_and(|tools| tools.sorted) {
            sort_results(&mut turns);
        }
        if !tools.is_empty() {
            self.check_tools()?;
        }
        let system: Vec<&str> = turns
            .iter()
            .filter(|turn| turn.role == Role::System)
            .map(|turn| turn.content.as_str())
            .collect();
        let system = system.join("\n\n");
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
            let content = turn.content.as_str();
            match &turn.role {
                Role::System if layout.system != System::Turn => {}
                Role::System => {
                    let between = (self.controls.system, self.controls.system_end);
                    self.between(tokens, between, content)?;
                }
                Role::User => {
                    if bears_tools == Some(at) && !tools.is_empty() {
                        self.available(tokens, tools);
                    }
                    if bears_system == Some(at) && !system.is_empty() {
                        self.user(tokens, &format!("{system}\n\n{content}"))?;
                    } else {
                        self.user(tokens, content)?;
                    }
                }
                Role::Assistant => self.assistant(tokens, content, at + 1 == turns.len()),
                Role::Caller(calls) => {
                    self.assistant(tokens, content, true);
                    self.called(tokens, calls)?;
                    tokens.extend(self.controls.end);
                }
                Role::Tool { call_id } => self.result(tokens, call_id, content)?,
            }
        }
        Ok(())
    }

    fn user(&self, tokens: &mut Vec<u32>, content: &str) -> Result<(), Fault> {
        if !self.version.layout().has_marks {
            tokens.extend(self.encode(&format!("[INST] {content} [/INST]")));
            return Ok(());
        }
        self.between(
            tokens,
            (self.controls.user, self.controls.user_end),
            content,
        )
    }

    fn between(
        &self,
        tokens: &mut Vec<u32>,
        controls: (Option<u32>, Option<u32>),
        content: &str,
    ) -> Result<(), Fault> {
        let (Some(begin), Some(end)) = controls else {
            return Err(Fault::Refused("this model does not converse".to_owned()));
        };
        tokens.push(begin);
        tokens.extend(self.encode(content));
        tokens.push(end);
        Ok(())
    }

    fn assistant(&self, tokens: &mut Vec<u32>, content: &str, goes_on: bool) {
        let kept = if self.version.layout().keeps_spaces {
            content
        } else {
            content.trim_end_matches(' ')
        };
        tokens.extend(self.encode(kept));
        if !goes_on {
            tokens.extend(self.controls.end);
        }
    }
}

/// Turns of one speaker after each other are one, joined by an empty line, as the reference has it;
/// but for those of the system and of tools.
fn turns(messages: &[Message]) -> Result<Vec<Message>, Fault> {
    let mut turns: Vec<Message> = Vec::new();
    for message in messages {
        match turns.last_mut() {
            Some(last) if last.role.joins(&message.role) => {
                if !last.content.is_empty() && !message.content.is_empty() {
                    last.content.push_str("\n\n");
                }
                last.content.push_str(&message.content);
                if let Role::Caller(more) = &message.role {
                    match &mut last.role {
                        Role::Caller(calls) => calls.extend_from_slice(more),
                        role => *role = Role::Caller(more.clone()),
                    }
                }
            }
            _ => turns.push(message.clone()),
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
