//! Where a link of a documentation file leads on the site.
//!
//! Invariant: a link between files is a link between pages, or none: no page links to a file that
//! the site does not have.

use super::chapters::{self, Chapter};

/// What a destination in a file means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An address that works on the site as it is.
    Address(String),
    /// A file that is no page here.
    Elsewhere,
}

/// Resolves a destination that stands in `file`.
pub(super) fn target(file: &str, destination: &str) -> Target {
    let is_address = ["https://", "http://", "/", "#"]
        .iter()
        .any(|start| destination.starts_with(start));
    if is_address {
        return Target::Address(destination.to_owned());
    }
    let (named, anchor) = match destination.split_once('#') {
        Some((named, anchor)) => (named, Some(anchor)),
        None => (destination, None),
    };
    match page(file, named) {
        Some(chapter) => Target::Address(match anchor {
            Some(anchor) => format!("{}#{anchor}", chapter.path),
            None => chapter.path.to_owned(),
        }),
        None => Target::Elsewhere,
    }
}

/// The page that a file beside `file` is.
pub(super) fn page(file: &str, named: &str) -> Option<&'static Chapter> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in named.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let meant = parts.join("/");
    chapters::all().find(|chapter| chapter.file == meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_files_are_links_between_pages() {
        for (file, said, leads) in [
            (
                "docs/billing.md",
                "keys.md#rotation",
                Some("/docs/keys#rotation"),
            ),
            ("docs/use-cases/zed.md", "../fim.md", Some("/docs/fim")),
            ("CHANGELOG.md", "docs/keys.md", Some("/docs/keys")),
            ("docs/fim.md", "use-cases/zed.md", Some("/use-cases/zed")),
            ("docs/fim.md", "#models", Some("#models")),
            ("docs/fim.md", "/models", Some("/models")),
            (
                "docs/fim.md",
                "https://a.example/b.md",
                Some("https://a.example/b.md"),
            ),
            ("docs/clients.md", "../tests/clients/README.md", None),
            ("docs/clients.md", "../../../keys.md", None),
        ] {
            let expected = leads.map_or(Target::Elsewhere, |to| Target::Address(to.into()));
            assert_eq!(target(file, said), expected, "{said}");
        }
    }
}
