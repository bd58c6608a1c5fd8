//! Several sequences at once, what they share, and how they end.

use vane_engine::{
    Engine, Fault, Finish, Load, Message, Model, Options, Piece, Pieces, Precision, Prompt,
    Request, Role, Sampling, Usage,
};

use crate::models::{Blocks, Tiny, noise, pieces};
use crate::write::F32;

fn options() -> Options {
    Options {
        threads: 1,
        precision: Precision::Single,
        ..Options::default()
    }
}

fn engine(options: Options) -> Engine {
    let folder = Tiny::plain().folder(4, F32);
    Engine::start(Model::open(folder.path(), &mut |_| ()).unwrap(), options).unwrap()
}

/// Tokens of letters.
fn letters(name: &str, many: usize) -> Vec<u32> {
    noise(name)
        .take(many)
        .map(|bits| 13 + (bits % 51) as u32)
        .collect()
}

fn asking(prompt: Vec<u32>, many: usize, seed: u64) -> Request {
    Request {
        max_tokens: Some(many),
        min_tokens: many,
        likelihoods: Some(0),
        sampling: Sampling {
            temperature: 1.0,
            seed: Some(seed),
            ..Sampling::default()
        },
        ..Request::new(Prompt::Tokens(prompt))
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    text: String,
    tokens: Vec<u32>,
    logarithms: Vec<f32>,
    finish: Finish,
    usage: Usage,
}

fn whole(pieces: Pieces) -> Answer {
    let (mut text, mut tokens, mut logarithms) = (String::new(), Vec::new(), Vec::new());
    for piece in pieces {
        match piece.unwrap() {
            Piece::Text {
                text: more,
                likelihoods,
            } => {
                text += &more;
                tokens.extend(likelihoods.iter().map(|one| one.token));
                logarithms.extend(likelihoods.iter().map(|one| one.logarithm));
            }
            Piece::Thought(_) | Piece::Call(_) => panic!("no text"),
            Piece::End { finish, usage } => {
                return Answer {
                    text,
                    tokens,
                    logarithms,
                    finish,
                    usage,
                };
            }
        }
    }
    panic!("an answer without an end");
}

fn answer(engine: &Engine, request: Request) -> Answer {
    whole(engine.submit(request).unwrap())
}

fn prompts() -> Vec<Vec<u32>> {
    [3, 40, 64, 65, 1, 130, 200, 31]
        .iter()
        .enumerate()
        .map(|(at, many)| letters(&at.to_string(), *many))
        .collect()
}

/// Eight at once, and each alone in a new engine, have the same tokens and likelihoods, bit by bit.
fn eight_are_as_one_each(model: impl Fn() -> Model, options: &Options) {
    let single = |at: usize, prompt: &Vec<u32>| {
        let engine = Engine::start(model(), options.clone()).unwrap();
        answer(&engine, asking(prompt.clone(), 40, at as u64))
    };
    let alone: Vec<Answer> = prompts()
        .iter()
        .enumerate()
        .map(|(at, prompt)| single(at, prompt))
        .collect();
    let engine = Engine::start(model(), options.clone()).unwrap();
    let submit = |(at, prompt)| engine.submit(asking(prompt, 40, at as u64)).unwrap();
    let together: Vec<Pieces> = prompts().into_iter().enumerate().map(submit).collect();
    for (pieces, alone) in together.into_iter().zip(alone) {
        assert_eq!(alone.tokens.len(), 40);
        assert_eq!(whole(pieces), alone);
    }
}

#[test]
fn eight_sequences_at_once_are_as_eight_single_runs() {
    let folder = Tiny::plain().folder(4, F32);
    let model = || Model::open(folder.path(), &mut |_| ()).unwrap();
    eight_are_as_one_each(model, &options());
    eight_are_as_one_each(
        model,
        &Options {
            chunk_tokens: 7,
            threads: 3,
            ..options()
        },
    );
}

#[test]
fn quantised_sequences_do_not_depend_on_their_neighbours_either() {
    let config = serde_json::json!({"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "rope_theta": 10000.0,
        "sliding_window": 50, "tie_word_embeddings": false, "rms_norm_eps": 1e-5});
    for format in ["Q4_K", "Q8_0"] {
        let tiny = Tiny {
            config: config.clone(),
            blocks: Blocks::named(format),
        };
        let folder = crate::folder::Folder::new();
        let path = folder.write("model.gguf", tiny.gguf(F32));
        let model = || Model::open(&path, &mut |_| ()).unwrap();
        eight_are_as_one_each(
            model,
            &Options {
                precision: Precision::Half,
                ..options()
            },
        );
    }
}

#[test]
fn what_is_reused_changes_nothing_but_the_count() {
    let engine = engine(options());
    let prompt = letters("shared", 150);
    let first = answer(&engine, asking(prompt.clone(), 20, 5));
    assert_eq!(first.usage.reused_tokens, 0);
    let again = answer(&engine, asking(prompt.clone(), 20, 5));
    assert_eq!(again.usage.reused_tokens, 128, "whole blocks of 32");
    assert_eq!(
        (&again.tokens, &again.logarithms),
        (&first.tokens, &first.logarithms)
    );
    // The answer goes on as the next turn of a conversation.
    let longer = [prompt.clone(), first.tokens.clone(), letters("next", 9)].concat();
    let next = answer(&engine, asking(longer.clone(), 20, 6));
    assert_eq!(next.usage.reused_tokens, 160);
    let fresh = answer(&self::engine(options()), asking(longer, 20, 6));
    assert_eq!(
        (next.tokens, next.logarithms),
        (fresh.tokens, fresh.logarithms)
    );
    let other = Request {
        realm: 1,
        ..asking(prompt, 20, 5)
    };
    let other = answer(&engine, other);
    assert_eq!(other.usage.reused_tokens, 0, "another realm shares nothing");
    assert_eq!(other.tokens, first.tokens);
}

#[test]
fn a_thousand_cancels_leak_nothing() {
    let engine = engine(Options {
        waiting_max: 64,
        ..options()
    });
    let whole_load = engine.load().unwrap();
    for round in 0..125 {
        let submit = |at: usize| {
            let prompt = letters(&format!("{round} {at}"), 10 + 10 * at);
            engine.submit(asking(prompt, 100, 1)).unwrap()
        };
        let mut eight: Vec<Pieces> = (0..8).map(submit).collect();
        if round % 2 == 0 {
            // Some have begun to answer when they are left.
            assert!(matches!(eight[0].next(), Some(Ok(Piece::Text { .. }))));
        }
        drop(eight);
    }
    let Load {
        running,
        waiting,
        blocks_used,
        blocks_max,
    } = engine.load().unwrap();
    assert_eq!((running, waiting, blocks_used), (0, 0, 0));
    assert_eq!(blocks_max, whole_load.blocks_max);
    assert_eq!(
        answer(&engine, asking(letters("after", 40), 20, 1))
            .tokens
            .len(),
        20
    );
}

#[test]
fn a_reader_that_is_slow_stops_nobody_else() {
    let engine = engine(Options {
        pieces_max: 2,
        ..options()
    });
    let mut slow = engine.submit(asking(letters("slow", 10), 50, 1)).unwrap();
    let first = slow.next();
    assert!(matches!(first, Some(Ok(Piece::Text { .. }))));
    assert_eq!(
        answer(&engine, asking(letters("quick", 10), 50, 2))
            .tokens
            .len(),
        50
    );
    assert_eq!(
        engine.load().unwrap().running,
        1,
        "it still waits for its reader"
    );
    assert_eq!(whole(slow).tokens.len(), 49);
}

#[test]
fn what_does_not_fit_yet_waits_and_what_never_fits_is_refused() {
    // Blocks for 20 times 32 tokens: two sequences of 300 tokens each, and not three.
    let block = 2 * 2 * 32 * 32 * 4;
    let engine = engine(Options {
        cache_bytes: Some(20 * block),
        ..options()
    });
    assert_eq!(engine.load().unwrap().blocks_max, 20);
    let submit = |at: u64| {
        engine
            .submit(asking(letters(&at.to_string(), 250), 50, at))
            .unwrap()
    };
    let many: Vec<Pieces> = (0..5).map(submit).collect();
    let alone = self::engine(options());
    for (at, pieces) in (0..).zip(many) {
        let told = whole(pieces);
        assert_eq!(
            told.tokens,
            answer(&alone, asking(letters(&at.to_string(), 250), 50, at)).tokens
        );
    }
    let fault = engine.submit(asking(letters("x", 640), 50, 1)).unwrap_err();
    assert!(matches!(fault, Fault::TooLarge { .. }), "{fault}");
    let few = Options {
        cache_bytes: Some(block),
        ..options()
    };
    let folder = Tiny::plain().folder(4, F32);
    let model = Model::open(folder.path(), &mut |_| ()).unwrap();
    assert!(matches!(
        Engine::start(model, few),
        Err(Fault::TooLarge { .. })
    ));
}

#[test]
fn an_answer_is_cut_to_the_memory_that_there_is() {
    let block = 2 * 2 * 32 * 32 * 4;
    let engine = engine(Options {
        cache_bytes: Some(20 * block),
        ..options()
    });
    // 640 tokens are kept, of a context that is larger.
    let prompt = letters("x", 600);
    let told = answer(&engine, asking(prompt.clone(), 5_000, 1));
    assert_eq!((told.tokens.len(), told.finish), (40, Finish::Context));
    let told = answer(&engine, asking(prompt, 40, 1));
    assert_eq!((told.tokens.len(), told.finish), (40, Finish::Length));
}

#[test]
fn who_waits_begins_when_another_ends_unread() {
    let engine = engine(Options {
        sequences_max: 1,
        ..options()
    });
    // Nobody reads the first one, and so nobody says when it ends.
    let _unread = engine.submit(asking(letters("a", 400), 1, 1)).unwrap();
    let told = whole(engine.submit(asking(letters("b", 5), 3, 2)).unwrap());
    assert_eq!(told.tokens.len(), 3);
}

#[test]
fn who_waits_is_bounded() {
    let engine = engine(Options {
        waiting_max: 3,
        sequences_max: 1,
        pieces_max: 1,
        ..options()
    });
    let mut held = engine.submit(asking(letters("held", 5), 500, 1)).unwrap();
    assert!(held.next().is_some());
    assert_eq!(engine.load().unwrap().waiting, 0);
    let waiting: Vec<Pieces> = (0..3)
        .map(|at| engine.submit(asking(letters("w", 5), 2, at)).unwrap())
        .collect();
    assert!(matches!(
        engine.submit(asking(letters("w", 5), 2, 1)),
        Err(Fault::Busy)
    ));
    drop(held);
    for pieces in waiting {
        assert_eq!(whole(pieces).tokens.len(), 2);
    }
    assert_eq!(
        answer(&engine, asking(letters("w", 5), 2, 1)).tokens.len(),
        2
    );
}

/// A prompt of 900 tokens takes many passes; a short one that came later does not wait for them.
#[test]
fn a_long_prompt_delays_nobody() {
    let engine = engine(Options {
        chunk_tokens: 8,
        ..options()
    });
    let long = engine.submit(asking(letters("long", 900), 4, 1)).unwrap();
    let short = answer(&engine, asking(letters("short", 8), 8, 2));
    assert_eq!(short.tokens.len(), 8);
    assert_eq!(
        engine.load().unwrap().running,
        1,
        "the long one still reads its prompt"
    );
    assert_eq!(whole(long).tokens.len(), 4);
}

#[test]
fn an_answer_ends_at_its_stop_wherever_tokens_divide_it() {
    let engine = engine(options());
    let asked = |seed, stops: &[&str]| Request {
        stops: stops.iter().map(|stop| (*stop).to_owned()).collect(),
        min_tokens: 0,
        ..asking(letters("stop", 30), 60, seed)
    };
    let whole_one = (0..100).find_map(|seed| {
        let free = answer(&engine, asked(seed, &[]));
        (free.finish == Finish::Length).then_some((seed, free))
    });
    let (seed, free) = whole_one.unwrap();
    let letters_of: Vec<usize> = free.text.char_indices().map(|(at, _)| at).collect();
    for (from, many) in [(10, 1), (10, 3), (25, 5), (3, 2)] {
        let stop = &free.text[letters_of[from]..letters_of[from + many]];
        let told = answer(&engine, asked(seed, &["never this", stop]));
        let expected = &free.text[..free.text.find(stop).unwrap()];
        assert_eq!(
            (told.text.as_str(), told.finish),
            (expected, Finish::Stop),
            "{stop:?}"
        );
        assert!(told.usage.output_tokens < free.usage.output_tokens);
    }
}

#[test]
fn min_tokens_hold_back_every_end() {
    let engine = engine(options());
    let asked = |stops| Request {
        stops,
        min_tokens: 20,
        ..asking(letters("stop", 30), 60, 9)
    };
    let free = answer(&engine, asked(Vec::new()));
    let stop: String = free.text.chars().take(1).collect();
    let told = answer(&engine, asked(vec![stop]));
    assert!(
        told.usage.output_tokens >= 20,
        "{}",
        told.usage.output_tokens
    );
    assert!(
        free.text.starts_with(&told.text),
        "{:?} {:?}",
        free.text,
        told.text
    );
}

#[test]
fn the_models_own_end_ends_and_is_no_text() {
    let engine = engine(options());
    let told: Vec<Answer> = (0..20)
        .map(|seed| {
            answer(
                &engine,
                Request {
                    min_tokens: 0,
                    ..asking(letters("own", 30), 400, seed)
                },
            )
        })
        .collect();
    let ended: Vec<&Answer> = told
        .iter()
        .filter(|told| told.finish == Finish::Stop)
        .collect();
    assert!(
        !ended.is_empty(),
        "of twenty, one draws the end among 400 tokens of 64 kinds"
    );
    for told in ended {
        assert_eq!(told.tokens.len(), told.usage.output_tokens);
        assert!(!told.tokens.contains(&2));
    }
}

#[test]
fn text_streams_in_whole_characters() {
    let engine = engine(options());
    let pieces = pieces();
    for seed in 0..20 {
        let request = asking(letters("utf8", 30), 100, seed);
        let mut text = String::new();
        let mut bytes = Vec::new();
        for piece in engine.submit(request).unwrap() {
            if let Piece::Text {
                text: more,
                likelihoods,
            } = piece.unwrap()
            {
                text += &more;
                bytes.extend(likelihoods.into_iter().flat_map(|one| one.bytes));
            }
        }
        assert_eq!(text, String::from_utf8_lossy(&bytes), "{seed}");
    }
    assert!(
        pieces.iter().any(|piece| piece.1 == 6),
        "there are tokens of single bytes"
    );
}

#[test]
fn a_full_context_ends_an_answer_and_a_full_prompt_is_refused() {
    let engine = engine(options());
    let mut request = asking(letters("full", 1000), 24, 1);
    assert_eq!(answer(&engine, request.clone()).finish, Finish::Length);
    request.max_tokens = Some(100);
    let told = answer(&engine, request);
    assert_eq!(
        (told.finish, told.usage.output_tokens),
        (Finish::Context, 24)
    );
    assert!(matches!(
        engine.submit(asking(letters("full", 1024), 1, 1)),
        Err(Fault::PromptTooLong { .. })
    ));
}

#[test]
fn nothing_is_answered_where_nothing_is_asked_for() {
    let engine = engine(options());
    let told = answer(&engine, asking(letters("none", 5), 0, 1));
    let usage = Usage {
        prompt_tokens: 5,
        reused_tokens: 0,
        output_tokens: 0,
        thought_tokens: 0,
    };
    assert_eq!(
        (told.text.as_str(), told.finish, told.usage),
        ("", Finish::Length, usage)
    );
    assert_eq!(engine.load().unwrap().blocks_used, 0);
}

#[test]
fn impossible_requests_are_refused_before_they_run() {
    let engine = engine(options());
    let good = || asking(letters("good", 5), 5, 1);
    let rows = [
        Request {
            prompt: Prompt::Tokens(Vec::new()),
            ..good()
        },
        Request {
            prompt: Prompt::Tokens(vec![64]),
            ..good()
        },
        Request {
            prompt: Prompt::Chat(Vec::new()),
            ..good()
        },
        Request {
            stops: vec![String::new()],
            ..good()
        },
        Request {
            stops: vec!["x".to_owned(); 100],
            ..good()
        },
        Request {
            min_tokens: 6,
            ..good()
        },
        Request {
            likelihoods: Some(1_000),
            ..good()
        },
        Request {
            sampling: Sampling {
                temperature: f32::NAN,
                ..Sampling::default()
            },
            ..good()
        },
    ];
    for request in rows {
        let what = format!("{request:?}");
        assert!(
            matches!(engine.submit(request), Err(Fault::Refused(_))),
            "{what}"
        );
    }
}

#[test]
fn chats_and_gaps_are_answered() {
    let engine = engine(options());
    let turn = |role, content: &str| Message::new(role, content);
    let prompts = [
        Prompt::Text("hello there".to_owned()),
        Prompt::Chat(vec![
            turn(Role::System, "be brief"),
            turn(Role::User, "hello"),
        ]),
        Prompt::Fill {
            prefix: "def".to_owned(),
            suffix: "return x".to_owned(),
        },
    ];
    for prompt in prompts {
        let tokens = engine.model().tokenizer().lay_out(&prompt).unwrap().len();
        let request = Request {
            prompt,
            ..asking(Vec::new(), 12, 3)
        };
        let told = answer(&engine, request);
        assert_eq!(
            (told.usage.prompt_tokens, told.usage.output_tokens),
            (tokens, 12)
        );
    }
}

#[test]
fn an_engine_that_goes_tells_its_readers() {
    let engine = engine(Options {
        pieces_max: 1,
        ..options()
    });
    let mut pieces = engine.submit(asking(letters("gone", 5), 500, 1)).unwrap();
    assert!(matches!(pieces.next(), Some(Ok(_))));
    drop(engine);
    let last = pieces.by_ref().last();
    assert!(matches!(last, Some(Err(Fault::Stopped))), "{last:?}");
    assert!(pieces.next().is_none());
}
