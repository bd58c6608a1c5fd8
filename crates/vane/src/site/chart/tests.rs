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

const STEP: &str = concat!(
    r#"<path class="grid" d="M56 150H624"/>"#,
    r#"<text x="48" y="154" text-anchor="end">$0</text>"#,
    r#"<path class="grid" d="M56 87H624"/>"#,
    r#"<text x="48" y="91" text-anchor="end">$50</text>"#,
    r#"<path class="grid" d="M56 24H624"/>"#,
    r#"<text x="48" y="28" text-anchor="end">$100</text>"#,
    r#"<text x="56" y="172" text-anchor="start">day 0</text>"#,
    r#"<text x="624" y="172" text-anchor="end">day 50</text>"#,
    r#"<path class="now" d="M397 24V150"/>"#,
    r#"<text x="397" y="172" text-anchor="middle">today</text>"#,
    r#"<path class="line s0" d="M170 112H283V74H397V74"/>"#,
    r#"<path class="line s0 coming" d="M397 74H510V37H624V37"/>"#,
    r#"<text x="624" y="31" text-anchor="end">input</text>"#,
);
const SPARK: &str = r#"<path class="line s0" d="M2 22L31 2M89 12L118 2"/>"#;
const LINE: &str = concat!(
    r#"<path class="grid" d="M56 170H624"/>"#,
    r#"<text x="48" y="174" text-anchor="end">0 ms</text>"#,
    r#"<path class="grid" d="M56 91H624"/>"#,
    r#"<text x="48" y="95" text-anchor="end">40 ms</text>"#,
    r#"<path class="grid" d="M56 12H624"/>"#,
    r#"<text x="48" y="16" text-anchor="end">80 ms</text>"#,
    r#"<text x="56" y="192" text-anchor="start">Monday</text>"#,
    r#"<text x="624" y="192" text-anchor="end">Thursday</text>"#,
    r#"<path class="band" d="M56 91L245 12L245 131L56 150Z"/>"#,
    r#"<path class="line s0" d="M56 131L245 111"/>"#,
    r#"<path class="band" d="M621 111L627 111L627 150L621 150Z"/>"#,
    r#"<path class="line s0" d="M621 131L627 131"/>"#,
);
const STRIP: &str = concat!(
    r#"<rect class="none" x="0" y="29" width="7" height="3"/>"#,
    r#"<rect class="good" x="9" y="0" width="7" height="32"/>"#,
    r#"<rect class="fair" x="18" y="10" width="7" height="22"/>"#,
    r#"<rect class="poor" x="27" y="20" width="7" height="12"/>"#,
);
const BARS: &str = concat!(
    r#"<path class="grid" d="M56 170H624"/>"#,
    r#"<text x="48" y="174" text-anchor="end">0</text>"#,
    r#"<path class="grid" d="M56 91H624"/>"#,
    r#"<text x="48" y="95" text-anchor="end">2</text>"#,
    r#"<path class="grid" d="M56 12H624"/>"#,
    r#"<text x="48" y="16" text-anchor="end">4</text>"#,
    r#"<text x="56" y="192" text-anchor="start">first</text>"#,
    r#"<text x="624" y="192" text-anchor="end">last</text>"#,
    r#"<rect class="part s0" x="56" y="131" width="114" height="39"/>"#,
    r#"<rect class="part s1" x="56" y="52" width="114" height="79"/>"#,
    r#"<rect class="part s1" x="198" y="12" width="114" height="158"/>"#,
    r#"<rect class="part s1" x="340" y="131" width="114" height="39"/>"#,
);

#[track_caller]
fn check(drawn: &str, size: (i64, i64), inside: &str) {
    let (width, height) = size;
    let wanted =
        format!(r#"<svg class="chart" viewBox="0 0 {width} {height}" {HEAD}{inside}</svg>"#);
    assert_eq!(drawn, wanted);
}

#[test]
fn a_step_line_holds_until_it_changes_and_is_dashed_once_announced() {
    let steps = vec![
        Step { day: 10, value: 30 },
        Step { day: 20, value: 60 },
        Step { day: 40, value: 90 },
    ];
    let drawn = step(
        CAPTION,
        &[("input", steps)],
        (0, 50),
        30,
        |value| format!("${value}"),
        |day| format!("day {day}"),
    );
    check(&drawn, (640, 180), STEP);
}

#[test]
fn lines_that_end_at_one_place_have_their_names_above_and_below() {
    let at = |value| vec![Step { day: 0, value }];
    let text = |value: i64| value.to_string();
    let lines = [("input", at(5)), ("output", at(5))];
    let drawn = step(CAPTION, &lines, (0, 9), 3, text, text);
    assert!(
        drawn.contains(r#"y="18" text-anchor="end">input<"#),
        "{drawn}"
    );
    assert!(
        drawn.contains(r#"y="40" text-anchor="end">output<"#),
        "{drawn}"
    );
}

#[test]
fn a_gap_in_what_is_known_is_a_gap_in_the_line() {
    let drawn = spark(CAPTION, &[Some(0), Some(10), None, Some(5), Some(10)]);
    check(&drawn, (120, 24), SPARK);
    let of = |low, middle, high| Some(Band { low, middle, high });
    let spans = [of(10, 20, 40), of(20, 30, 80), None, of(10, 20, 30)];
    let drawn = line(CAPTION, &spans, ("Monday", "Thursday"), |value| {
        format!("{value} ms")
    });
    check(&drawn, (640, 200), LINE);
}

#[test]
fn what_stands_alone_is_drawn_too() {
    let drawn = spark(CAPTION, &[None, Some(5), None, Some(10)]);
    let alone = r#"<path class="line s0" d="M39 12H43M116 2H120"/>"#;
    check(&drawn, (120, 24), alone);
}

#[test]
fn what_is_unknown_is_grey_and_what_went_worse_is_lower() {
    let shares = [
        Share::Unknown,
        Share::Of(10_000),
        Share::Of(9_600),
        Share::Of(0),
    ];
    check(&strip(CAPTION, &shares), (34, 32), STRIP);
}

#[test]
fn parts_stand_on_each_other() {
    let stacks = [vec![1, 2], vec![0, 4], vec![-3, 1], vec![]];
    let drawn = bars(CAPTION, &stacks, ("first", "last"), |value| {
        value.to_string()
    });
    check(&drawn, (640, 200), BARS);
}

#[test]
fn nothing_to_draw_is_drawn_without_a_fault() {
    let text = |value: i64| value.to_string();
    for drawn in [
        step(CAPTION, &[], (0, 0), 0, text, text),
        step(CAPTION, &[("a", vec![])], (5, 1), 9, text, text),
        spark(CAPTION, &[]),
        spark(CAPTION, &[None]),
        strip(CAPTION, &[]),
        line(CAPTION, &[], ("", ""), text),
        bars(CAPTION, &[], ("", ""), text),
        bars(CAPTION, &[vec![i64::MAX, i64::MAX]], ("", ""), text),
    ] {
        assert!(
            drawn.starts_with("<svg ") && drawn.ends_with("</svg>"),
            "{drawn}"
        );
    }
}

#[test]
fn axes_end_on_a_round_number_at_or_above_the_largest_value() {
    for (largest, top) in [
        (0, 1),
        (1, 1),
        (7, 8),
        (10, 10),
        (11, 20),
        (99, 100),
        (320_000, 400_000),
    ] {
        assert_eq!(ceiling(largest), top, "{largest}");
    }
    assert!(ceiling(i64::MAX) >= i64::MAX / 2);
}
