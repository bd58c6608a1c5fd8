//! Golden charts: the same data is the same bytes.

use super::*;

const CAPTION: Caption<'static> = Caption {
    id: "c",
    title: "A <title>",
    description: "What it \"shows\"",
};

const HEAD: &str = concat!(
    r#"role="img" aria-labelledby="c-t c-d"><title id="c-t">A &lt;title&gt;</title>"#,
    r#"<desc id="c-d">What it &quot;shows&quot;</desc>"#
);

#[track_caller]
fn check(drawn: &str, size: (i64, i64), inside: &str) {
    let (width, height) = size;
    let wanted =
        format!(r#"<svg class="chart" viewBox="0 0 {width} {height}" {HEAD}{inside}</svg>"#);
    assert_eq!(drawn, wanted);
}
