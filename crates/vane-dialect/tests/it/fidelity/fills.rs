//! What a fill-in or an embeddings call can say, in the words of OpenAI's and Mistral's doors.

use super::features::{Feature, feature};

/// Of completions and fills: OpenAI's door, then Mistral's.
const fn pair(name: &'static str, openai: &'static str, mistral: &'static str) -> Feature {
    feature(name, openai, mistral, "", "")
}

pub(crate) const FILLS: &[Feature] = &[
    pair("prompt", r#""prompt":"a\n  b""#, r#""prompt":"a\n  b""#),
    pair("prompt in a list", r#""prompt":["a"]"#, ""),
    pair("suffix", r#""suffix":"c\n""#, r#""suffix":"c\n""#),
    pair("output limit", r#""max_tokens":9"#, r#""max_tokens":9"#),
    pair("least output", r#""min_tokens":2"#, r#""min_tokens":2"#),
    pair(
        "temperature",
        r#""temperature":0.0"#,
        r#""temperature":0.0"#,
    ),
    pair("top_p", r#""top_p":0.9"#, r#""top_p":0.9"#),
    pair("seed", r#""seed":7"#, r#""random_seed":7"#),
    pair("stop strings", r#""stop":["A","B"]"#, r#""stop":["A","B"]"#),
    pair("presence_penalty", r#""presence_penalty":0.5"#, ""),
    pair("frequency_penalty", r#""frequency_penalty":0.5"#, ""),
    pair("several answers", r#""n":2"#, ""),
    pair("best_of", r#""best_of":2"#, ""),
    pair("echo", r#""echo":true"#, ""),
    pair("logprobs", r#""logprobs":2"#, ""),
    pair("logit_bias", r#""logit_bias":{"5":-1}"#, ""),
    pair("user", r#""user":"u""#, ""),
    pair("metadata", "", r#""metadata":{"k":"v"}"#),
    pair("cache key", "", r#""prompt_cache_key":"k""#),
    pair("unknown field", r#""x_new":1"#, r#""x_new":1"#),
];

pub(crate) const EMBEDS: &[Feature] = &[
    pair("one text", r#""input":"a""#, r#""input":"a""#),
    pair(
        "several texts",
        r#""input":["a","b"]"#,
        r#""input":["a","b"]"#,
    ),
    pair("token ids", r#""input":[[1,2],[3]]"#, ""),
    pair(
        "dimensions",
        r#""dimensions":64"#,
        r#""output_dimension":64"#,
    ),
    pair(
        "floats",
        r#""encoding_format":"float""#,
        r#""encoding_format":"float""#,
    ),
    pair(
        "base64",
        r#""encoding_format":"base64""#,
        r#""encoding_format":"base64""#,
    ),
    pair("packed numbers", "", r#""output_dtype":"binary""#),
    pair("user", r#""user":"u""#, ""),
    pair("metadata", "", r#""metadata":{"k":"v"}"#),
    pair("unknown field", r#""x_new":1"#, r#""x_new":1"#),
];
