use super::*;
use crate::json::DEPTH_MAX;
use bytes::Bytes;

fn scan(body: &[u8]) -> Result<Head, Fault> {
    Head::scan(&Bytes::copy_from_slice(body))
}

fn edited(body: &str, edit: impl Fn(&mut Splices<'_>)) -> String {
    let head = scan(body.as_bytes()).unwrap();
    let mut splices = head.splices();
    edit(&mut splices);
    let parts = splices.apply();
    String::from_utf8(parts.concat()).unwrap()
}

fn refused(body: &[u8]) -> String {
    scan(body).unwrap_err().message
}

#[test]
fn members_are_found_and_values_read() {
    let head = scan(br#" {"mod\u0065l": "a\"b" , "stream":true,"n":3,"x":null} "#).unwrap();
    assert_eq!(head.model().unwrap(), "a\"b");
    assert!(head.flag("stream").unwrap());
    assert_eq!(head.count("n").unwrap(), Some(3));
    assert_eq!(head.raw("x"), None);
    assert!(head.count("stream").is_err());
}

#[test]
fn texts_are_counted() {
    for (value, texts) in [
        ("\"a\"", 1),
        ("null", 1),
        ("{\"a\":[1]}", 1),
        ("[]", 1),
        ("[ \"a\" , \"b\",\"[\"]", 3),
        ("[1,2,3]", 1),
        ("[[1,2],[ 3 ], [\"x\",\"y\"]]", 3),
        ("[1,\"a\",[2],{}]", 2),
    ] {
        let head = scan(format!("{{\"prompt\":{value}}}").as_bytes()).unwrap();
        assert_eq!(head.texts("prompt"), texts, "{value}");
        assert_eq!(head.texts("input"), 1);
    }
}

#[test]
fn t13_what_is_not_one_json_object_is_refused() {
    for body in [
        "",
        " ",
        "[]",
        "null",
        "{",
        "{}x",
        "{}{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":1e999}",
        "{\"a\":-}",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"}",
        "{\"a\":[1,]}",
        "{\"a\":[}",
        "{\"a\":{\"b\"}}",
        "{'a':1}",
        "{\"a\":NaN}",
    ] {
        assert!(scan(body.as_bytes()).is_err(), "{body} was taken");
    }
    assert!(refused(b"{\"a\":\"\xff\"}").contains("UTF-8"));
    assert!(refused(br#"{"model":"a","mod\u0065l":"b"}"#).contains("stands twice"));
}

#[test]
fn r10_a_body_of_countless_keys_is_refused_before_they_are_compared() {
    let body = |keys: usize| {
        let members: Vec<String> = (0..keys).map(|n| format!("\"k{n}\":1")).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    };
    assert!(Head::scan(&body(1_024).into()).is_ok());
    assert!(refused(&body(1_025)).contains("more than 1024 members"));
}

#[test]
fn t13_deep_nesting_is_refused_at_the_limit() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(scan(nested(DEPTH_MAX - 1).as_bytes()).is_ok());
    assert!(scan(nested(DEPTH_MAX).as_bytes()).is_err());
    assert!(scan(nested(100_000).as_bytes()).is_err());
}

#[test]
fn valid_json_of_every_kind_is_taken() {
    for body in [
        "{}",
        "{ }",
        r#"{"a":{},"b":[],"c":[{}],"d":{"e":[]}}"#,
        r#"{"a":[1,-0,0.5,1e3,1E-3,true,false,null,"x"],"b":{"c":{"d":[[],[[]]]}}}"#,
        r#"{"a":"\ud83d\ude00 \" \\ \/ \b\f\n\r\t é"}"#,
        "\n{\t\"a\" : 1 ,\r\n\"b\" : [ 1 , 2 ] }\n",
    ] {
        assert!(
            scan(body.as_bytes()).is_ok(),
            "{body}: {}",
            refused(body.as_bytes())
        );
    }
}

#[test]
fn splices_touch_nothing_else() {
    let body = r#"{ "model" : "a" , "x":[1, 2],  "models":["b"], "stream":true }"#;
    assert_eq!(
        edited(body, |s| s.set("model", "\"b\"".into())),
        r#"{ "model" : "b" , "x":[1, 2],  "models":["b"], "stream":true }"#
    );
    assert_eq!(
        edited(body, |s| s.cut("models")),
        r#"{ "model" : "a" , "x":[1, 2], "stream":true }"#
    );
    assert_eq!(
        edited(body, |s| {
            s.cut("model");
            s.set("new", "1".into());
        }),
        r#"{ "x":[1, 2],  "models":["b"], "stream":true ,"new":1}"#
    );
    assert_eq!(edited(body, |s| s.set("model", "\"a\"".into())), body);
}

#[test]
fn any_set_of_members_can_be_cut() {
    let keys = ["a", "b", "c", "d"];
    for set in 0..16_u32 {
        let cut = |at: usize| set >> at & 1 == 1;
        let out = edited(r#"{ "a":1 , "b":{"x":2}, "c":[3],"d":4 }"#, |s| {
            keys.iter()
                .enumerate()
                .filter(|(at, _)| cut(*at))
                .for_each(|(_, key)| s.cut(key));
            s.set("z", "0".into());
        });
        let head = scan(out.as_bytes()).unwrap_or_else(|e| panic!("{out}: {e}"));
        let left: Vec<_> = head.keys().map(str::to_owned).collect();
        let mut expected: Vec<_> = (0..4)
            .filter(|&at| !cut(at))
            .map(|at| keys[at].to_owned())
            .collect();
        expected.push("z".into());
        assert_eq!(left, expected, "{out}");
    }
}

#[test]
fn the_scan_agrees_with_a_full_parser() {
    let seeds = [
        r#"{"a":[1,{"b":"\u00e9"}],"c":{"d":null}}"#,
        r#"{"messages":[{"role":"user","content":"hi \"there\""}],"n":1.5e3}"#,
    ];
    for seed in seeds {
        for at in 0..seed.len() {
            for byte in [
                b'{', b'}', b'[', b']', b',', b':', b'"', b'\\', b'0', b' ', b'x', 0x1f,
            ] {
                let mut body = seed.as_bytes().to_vec();
                body[at] = byte;
                let ours = scan(&body);
                let theirs = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&body);
                let twice = ours.as_ref().is_err_and(|f| f.message.contains("twice"));
                assert!(
                    ours.is_ok() == theirs.is_ok() || twice,
                    "{}: {ours:?} / {theirs:?}",
                    String::from_utf8_lossy(&body)
                );
            }
        }
    }
}
