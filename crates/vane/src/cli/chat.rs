//! `vane chat`: talks to a model. Only the answer goes to standard output.

use std::io::{self, BufRead, IsTerminal, Read};

use serde_json::{Value, json};

use super::client::{Client, Ended};
use super::{Failure, terminal};
use crate::config::Environment;
use crate::first_call;

#[derive(Debug, clap::Args)]
pub(super) struct Chat {
    /// The model; without it, one that chats
    model: Option<String>,
    /// What to say; without it, standard input, or a conversation on a terminal
    prompt: Vec<String>,
    /// Print one JSON object when the answer is whole
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: Client,
}

impl Chat {
    pub(super) async fn run(&self, environment: &Environment) -> Result<(), Failure> {
        let model = self.model(environment).await?;
        let mut talk = Talk {
            chat: self,
            environment,
            model,
            turns: Vec::new(),
        };
        let said = self.prompt.join(" ");
        if io::stdin().is_terminal() {
            if said.is_empty() && self.json {
                let what = "--json answers one prompt: say it, or pipe it in";
                Err(Failure::said(what))
            } else if said.is_empty() {
                talk.converse().await
            } else {
                talk.say(said).await
            }
        } else {
            let piped = piped().await?;
            let parts: Vec<&str> = [said.trim(), piped.trim_end()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            if parts.is_empty() {
                return Err(Failure::said("nothing to say: standard input is empty"));
            }
            talk.say(parts.join("\n\n")).await
        }
    }

    async fn model(&self, environment: &Environment) -> Result<String, Failure> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        let models = self.client.models(environment).await?;
        let able = models.iter().filter(|model| model.chats);
        let chosen = first_call::to_chat(able.map(|model| &*model.id));
        chosen.map(str::to_owned).ok_or_else(|| {
            let fills = models.iter().any(|model| model.fills);
            let fills = if fills {
                "; `vane fim` has one that fills in"
            } else {
                ""
            };
            Failure::said(format!(
                "none of the models that this key may use chats{fills}; `vane models` lists \
                 what there is and what it needs, and `vane chat MODEL` asks one by its name"
            ))
        })
    }
}

struct Talk<'c> {
    chat: &'c Chat,
    environment: &'c Environment,
    model: String,
    turns: Vec<Value>,
}

impl Talk<'_> {
    /// Says something and prints the answer. A stopped answer stays in the conversation as far
    /// as it went.
    async fn say(&mut self, said: String) -> Result<(), Failure> {
        self.turns.push(json!({ "role": "user", "content": said }));
        let body = json!({
            "model": self.model,
            "messages": self.turns,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let mut answer = String::new();
        let (on_terminal, as_json) = (io::stdout().is_terminal(), self.chat.json);
        let show = |text: &str| {
            answer.push_str(text);
            if as_json {
                Ok(())
            } else if on_terminal {
                terminal::print(&terminal::printable(text))
            } else {
                terminal::print(text)
            }
        };
        let client = &self.chat.client;
        let ended = client
            .stream(self.environment, "/v1/chat/completions", &body, show)
            .await;
        if !as_json && !answer.is_empty() && !answer.ends_with('\n') {
            terminal::print("\n")?;
        }
        let done = match ended? {
            Ended::Finished(bill) if as_json => terminal::print_json(&bill.json(&answer)),
            Ended::Finished(bill) => {
                terminal::note(&bill.to_string());
                Ok(())
            }
            Ended::Stopped => {
                terminal::note("stopped");
                Err(Failure::Stopped)
            }
        };
        self.turns
            .push(json!({ "role": "assistant", "content": answer }));
        done
    }

    /// Turn by turn, until the end of input or Ctrl-C at the prompt.
    async fn converse(&mut self) -> Result<(), Failure> {
        terminal::note(&format!(
            "{}: Ctrl-C stops an answer, Ctrl-D ends",
            self.model
        ));
        loop {
            terminal::print("> ")?;
            let line = tokio::select! {
                line = tokio::task::spawn_blocking(line) => line.unwrap_or_default(),
                _ = tokio::signal::ctrl_c() => None,
            };
            let Some(line) = line else {
                return terminal::print("\n");
            };
            if line.trim().is_empty() {
                continue;
            }
            // One failed turn ends neither the conversation nor what was said before.
            let before = self.turns.len();
            match self.say(line).await {
                Ok(()) | Err(Failure::Stopped) => {}
                Err(Failure::Closed) => return Err(Failure::Closed),
                Err(failure) => {
                    terminal::complain(&failure.to_string());
                    self.turns.truncate(before);
                }
            }
        }
    }
}

fn line() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

async fn piped() -> Result<String, Failure> {
    let read = || {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::said(format!("cannot read standard input: {error}"))
    };
    let read = tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| failed(&error))?;
    read.map_err(|error| failed(&error))
}
