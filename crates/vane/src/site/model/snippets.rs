//! Calls to paste, with this server's own address.
//!
//! Invariant: the calls of a chat are the files that the client tests run, with another model and
//! address in them.

use vane_catalog::{Capability, Kind, Offer};

use crate::first_call::{Gap, quoted};

const SHELL: &str = include_str!("../../../../../tests/clients/snippets/hello.sh");
const PYTHON: &str = include_str!("../../../../../tests/clients/snippets/hello.py");
const JAVASCRIPT: &str = include_str!("../../../../../tests/clients/snippets/hello.mjs");
/// What stands in those files.
const ADDRESS: &str = "http://127.0.0.1:8787";
const MODEL: &str = "codestral-latest";

pub(crate) struct Snippet {
    pub(crate) language: &'static str,
    /// The word after the fence of a Markdown block.
    pub(crate) fence: &'static str,
    pub(crate) code: String,
}

pub(super) fn of(origin: &str, lead: &Offer, id: &str) -> Vec<Snippet> {
    let mut snippets = match lead.kind {
        Kind::Embedding => embeddings(origin, id),
        Kind::Completion => vec![completion(origin, id)],
        Kind::Chat => chat(origin, id),
    };
    if lead.can(Capability::Fim) {
        snippets.push(fill_in_the_middle(origin, id));
    }
    snippets
}

fn chat(origin: &str, id: &str) -> Vec<Snippet> {
    vec![
        Snippet {
            language: "cURL",
            fence: "sh",
            code: written(SHELL, origin, &quoted(id)),
        },
        Snippet {
            language: "Python",
            fence: "python",
            code: written(PYTHON, origin, id),
        },
        Snippet {
            language: "JavaScript",
            fence: "js",
            code: written(JAVASCRIPT, origin, id),
        },
    ]
}

fn written(code: &str, origin: &str, id: &str) -> String {
    let code = code.trim_end().replace(MODEL, id);
    code.replace(ADDRESS, origin)
}

fn embeddings(origin: &str, id: &str) -> Vec<Snippet> {
    let body = format!(r#"{{"model": "{}", "input": "Hello"}}"#, quoted(id));
    let python = format!(
        "import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url=\"{origin}/v1\", api_key=os.environ[\"VANE_API_KEY\"])\n\
         answer = client.embeddings.create(model=\"{id}\", input=\"Hello\")\nprint(len(answer.data[0].embedding))"
    );
    let javascript = format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{origin}/v1\", apiKey: process.env.VANE_API_KEY }});\n\
         const answer = await client.embeddings.create({{ model: \"{id}\", input: \"Hello\" }});\nconsole.log(answer.data[0].embedding.length);"
    );
    vec![
        curl("cURL", origin, "/v1/embeddings", &body),
        Snippet {
            language: "Python",
            fence: "python",
            code: python,
        },
        Snippet {
            language: "JavaScript",
            fence: "js",
            code: javascript,
        },
    ]
}

fn completion(origin: &str, id: &str) -> Snippet {
    let body = format!(r#"{{"model": "{}", "prompt": "Hello"}}"#, quoted(id));
    curl("cURL", origin, "/v1/completions", &body)
}

/// A call in OpenAI's dialect.
pub(crate) fn chat_completion(origin: &str, id: &str) -> Snippet {
    Snippet {
        language: "OpenAI",
        fence: "sh",
        code: written(SHELL, origin, &quoted(id)),
    }
}

/// A call that fills in the middle.
pub(crate) fn fill_in_the_middle(origin: &str, id: &str) -> Snippet {
    let Gap { before, after } = Gap::of(id);
    let body = format!(
        "{{\"model\": \"{}\",\n       \"prompt\": \"{before}\",\n       \"suffix\": \"{after}\"}}",
        quoted(id)
    );
    curl("Fill-in-the-middle", origin, "/v1/fim/completions", &body)
}

/// A call in Anthropic's dialect.
pub(crate) fn messages(origin: &str, id: &str) -> Snippet {
    let body = format!(
        "{{\"model\": \"{}\", \"max_tokens\": 200,\n       \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}",
        quoted(id)
    );
    curl("Anthropic", origin, "/v1/messages", &body)
}

fn curl(language: &'static str, origin: &str, path: &str, body: &str) -> Snippet {
    let code = format!(
        "curl {origin}{path} \\\n  -H \"Authorization: Bearer $VANE_API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    );
    Snippet {
        language,
        fence: "sh",
        code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_name_this_server_and_this_model() {
        for snippet in chat("https://vane.example.com", "some-model") {
            assert!(
                snippet.code.contains("https://vane.example.com/v1"),
                "{}",
                snippet.code
            );
            assert!(snippet.code.contains("some-model"), "{}", snippet.code);
            assert!(!snippet.code.contains(ADDRESS) && !snippet.code.contains(MODEL));
        }
    }

    #[test]
    fn s15_an_id_stays_between_the_quotes_of_the_shell() {
        let snippet = fill_in_the_middle("http://localhost", "a'$(id)'b");
        assert!(
            snippet.code.contains(r"a'\''$(id)'\''b"),
            "{}",
            snippet.code
        );
    }
}
