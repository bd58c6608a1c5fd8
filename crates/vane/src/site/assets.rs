//! The stylesheet, the icon and the playground's script, under names that change with their content.
//!
//! Invariant: a name stands for one content for ever, so that browsers may keep it for a year.

use std::sync::LazyLock;

use bytes::Bytes;

use super::bundle::bundled;
use super::sheet::digest;

pub(crate) struct Asset {
    /// Below `/assets/`.
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) content: Bytes,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = squeezed(include_str!("../../templates/site.css"));
    Asset::named("site", "css", "text/css; charset=utf-8", content.into())
});

static PLAYGROUND: LazyLock<Asset> = LazyLock::new(|| {
    let content = squeezed(include_str!("../../templates/playground.css"));
    let kind = "text/css; charset=utf-8";
    Asset::named("playground", "css", kind, content.into())
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../../templates/icon.svg").as_bytes();
    Asset::named("icon", "svg", "image/svg+xml", Bytes::from_static(content))
});

/// The modules of the playground; each stands after those that it imports.
const MODULES: [(&str, &str); 10] = [
    (
        "highlight",
        include_str!("../../assets/playground/highlight.js"),
    ),
    (
        "markdown",
        include_str!("../../assets/playground/markdown.js"),
    ),
    (
        "vectors",
        include_str!("../../assets/playground/vectors.js"),
    ),
    ("times", include_str!("../../assets/playground/times.js")),
    ("wire", include_str!("../../assets/playground/wire.js")),
    ("code", include_str!("../../assets/playground/code.js")),
    ("keep", include_str!("../../assets/playground/keep.js")),
    ("picker", include_str!("../../assets/playground/picker.js")),
    ("answer", include_str!("../../assets/playground/answer.js")),
    (
        "playground",
        include_str!("../../assets/playground/playground.js"),
    ),
];

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let kind = "text/javascript; charset=utf-8";
    Asset::named("playground", "js", kind, bundled(&MODULES).into())
});

impl Asset {
    fn named(name: &str, extension: &str, kind: &'static str, content: Bytes) -> Self {
        let name = format!("{name}-{}.{extension}", digest(&content));
        Self {
            name,
            kind,
            content,
        }
    }
}

pub(crate) fn style() -> &'static Asset {
    &STYLE
}

pub(crate) fn icon() -> &'static Asset {
    &ICON
}

/// What the playground adds to the stylesheet.
pub(crate) fn playground_style() -> &'static Asset {
    &PLAYGROUND
}

/// The script of the playground's page.
pub(crate) fn playground() -> &'static Asset {
    &SCRIPT
}

pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    let assets = [style(), icon(), playground_style(), playground()];
    assets.into_iter().find(|asset| asset.name == name)
}

/// A stylesheet without comments and indentation.
fn squeezed(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    let lines = out.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_lose_comments_and_nothing_else() {
        assert_eq!(
            squeezed("/* a */\na { b: c }\n\n  d{}/* e"),
            "a { b: c }\nd{}"
        );
        let open = style().content.iter().filter(|byte| **byte == b'{').count();
        let close = style().content.iter().filter(|byte| **byte == b'}').count();
        assert_eq!(open, close);
        assert!(find(&style().name).is_some() && find("site.css").is_none());
    }
}
