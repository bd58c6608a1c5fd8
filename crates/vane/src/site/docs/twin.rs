//! A documentation file as the Markdown twin of its page.
//!
//! Invariant: it is the file, but for its links, which lead to where those of the page do; only
//! what the parser takes for a link is touched.

use pulldown_cmark::{Event, Parser, Tag};

use super::link::{self, Target};
use super::render;

/// The text with links that work from anywhere.
pub(super) fn of(file: &str, text: &str, origin: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1_024);
    let mut done = 0;
    let events = Parser::new_ext(text, render::options()).into_offset_iter();
    for (event, range) in events {
        let Event::Start(Tag::Link { dest_url, .. }) = event else {
            continue;
        };
        let written = &text[range.clone()];
        let inner = written.strip_prefix('[').and_then(|rest| {
            let end = rest.rfind(&format!("]({dest_url})"))?;
            Some(&rest[..end])
        });
        // One in angle brackets is an address as it is.
        let Some(inner) = inner else { continue };
        let says = render::named(file, &dest_url, inner).unwrap_or(inner);
        out += &text[done..range.start];
        out += &match link::target(file, &dest_url) {
            Target::Elsewhere => says.to_owned(),
            Target::Address(address) if address.starts_with('/') => {
                format!("[{says}]({origin}{})", markdown_of(&address))
            }
            Target::Address(address) => format!("[{says}]({address})"),
        };
        done = range.end;
    }
    out + &text[done..]
}

/// A twin links to twins, where there are any.
fn markdown_of(address: &str) -> String {
    let (path, anchor) = match address.find('#') {
        Some(at) => address.split_at(at),
        None => (address, ""),
    };
    match super::chapters::at(path) {
        Some(_) => format!("{path}.md{anchor}"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn links_lead_to_twins_and_the_rest_is_the_file() {
        let said = "See [keys.md](keys.md#rotation), [the models](/models) and [tests](../tests/README.md).\n\n```sh\ncurl [a](keys.md)\n```\n[own](#a) <https://a.example>\n";
        let told = "See [Keys and their limits](https://v.example/docs/keys.md#rotation), [the models](https://v.example/models) and tests.\n\n```sh\ncurl [a](keys.md)\n```\n[own](#a) <https://a.example>\n";
        assert_eq!(of("docs/a.md", said, "https://v.example"), told);
    }
}
