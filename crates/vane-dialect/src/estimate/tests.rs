//! Texts whose tokens were counted by Mistral's public tokenizers (mistral-common 1.x: Tekken of
//! 2024-09-11, and SentencePiece v7 with 32k entries).

use super::*;
use crate::call::{Function, Role};
use crate::json::Raw;

/// What it is, the text, its count by Tekken and by SentencePiece.
const MEASURED: &[(&str, &str, u64, u64)] = &[
    (
        "prose",
        r##"The gateway keeps every call it was given, whatever the weather does to the network. A reader who opens this page on a Tuesday afternoon should find the same numbers that the accountant found on Monday morning, because nothing is rounded before it is written down, and nothing is written down twice."##,
        58,
        59,
    ),
    (
        "german",
        r##"Die Übersetzung zwischen den Dialekten verliert nichts stillschweigend: Was der Zieldialekt nicht tragen kann, steht in den Notizen, und wer es genau nimmt, bekommt statt einer halben Antwort eine ganze Fehlermeldung."##,
        51,
        65,
    ),
    (
        "code",
        r##"fn merge(&mut self, raw: &RawValue) -> Result<(), Fault> {
    let Ok(mut usage) = Object::read(raw, &Path::Root) else {
        return Err(Fault::protocol("no usage"));
    };
    for (name, value) in usage.rest() {
        if name.starts_with("cache_") && value.get() != "null" {
            self.counts.push((name.into_owned(), value.get().parse::<u64>()?));
        }
    }
    Ok(())
}
"##,
        113,
        136,
    ),
    (
        "python",
        r##"class Ledger:
    def __init__(self, path: str, *, limit_bytes: int = 1 << 20):
        self._rows = []
        self.path = os.path.join(path, "ledger.db")

    def append(self, amount, note=None):
        """Adds a row; amounts are integers."""
        if not isinstance(amount, int):
            raise TypeError(f"amount must be int, not {type(amount)!r}")
        self._rows.append({"amount": amount, "note": note})
"##,
        110,
        135,
    ),
    (
        "json",
        r##"{"type":"object","properties":{"path":{"type":"string","description":"The file to read"},"offset":{"type":"integer","minimum":0},"limit":{"type":["integer","null"]},"tags":{"type":"array","items":{"enum":["a1","b2","c3"]}}},"required":["path"],"additionalProperties":false}"##,
        77,
        84,
    ),
    (
        "numbers",
        r##"[0.00075, 1234567, 3.14159265, 2026, 11, 21, 99999, -42, 6.02e23, 1700000000, 0x7ffd, 8675309]"##,
        92,
        92,
    ),
    (
        "hex",
        r##"d9378d6b53d241a373400f00dbeef4a5c6e7f8091a2b3c4d5e6f7081929394a5"##,
        62,
        62,
    ),
    (
        "base64",
        r##"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="##,
        66,
        69,
    ),
    (
        "chinese",
        r##"网关把每一次调用都记录下来，无论网络状况如何。读者在星期二下午打开这个页面，应当看到会计在星期一早上看到的同样数字。"##,
        46,
        59,
    ),
    (
        "japanese",
        r##"ゲートウェイはすべての呼び出しを記録します。翻訳で運べないものは黙って捨てられることはなく、必ずノートに書き残されます。"##,
        43,
        67,
    ),
    (
        "korean",
        r##"게이트웨이는 모든 호출을 기록하며, 번역이 전달하지 못하는 것은 조용히 버려지지 않고 반드시 메모에 남습니다."##,
        29,
        64,
    ),
    (
        "russian",
        r##"Шлюз записывает каждый вызов, и ничего не теряется молча: всё, что нельзя перенести, остаётся в заметках."##,
        33,
        48,
    ),
    (
        "arabic",
        r##"تسجل البوابة كل مكالمة، ولا يضيع شيء بصمت: كل ما لا يمكن نقله يبقى في الملاحظات."##,
        29,
        74,
    ),
    (
        "hindi",
        r##"गेटवे हर कॉल को दर्ज करता है, और कुछ भी चुपचाप नहीं खोता।"##,
        23,
        64,
    ),
    (
        "greek",
        r##"Η πύλη καταγράφει κάθε κλήση και τίποτα δεν χάνεται σιωπηλά."##,
        26,
        61,
    ),
    ("emoji", r##"🚀🎉👩‍💻🏳️‍🌈😀😂🤷🏽‍♂️🇩🇪✅⚠️🔥💾🧪"##, 80, 49),
    (
        "markdown",
        r##"| model | in / out |
|---|---|
| codestral-latest | $0.30 / $0.90 |
| devstral-medium | $0.40 / $2 |

- **bold** and `code`
- [link](https://example.com/a?b=c&d=e#f)
"##,
        70,
        82,
    ),
    (
        "shell",
        r##"$ cargo test -p vane-dialect --all-targets -- --nocapture 2>&1 | grep -E "^(error|warning)" | head -n 20
"##,
        40,
        44,
    ),
    ("short", r##"ok"##, 1, 1),
    (
        "caps",
        r##"HTTP_PROXY NO_PROXY OPENAI_BASE_URL VANE_ANTHROPIC_BASE_URL SIGHUP SIGTERM XMLHttpRequest getElementById"##,
        34,
        39,
    ),
    (
        "polish",
        r##"Zażółć gęślą jaźń: brama zapisuje każde wywołanie i niczego nie gubi po cichu."##,
        33,
        38,
    ),
    (
        "minified",
        r##"!function(e,t){"object"==typeof exports?module.exports=t():e.vane=t()}(this,function(){return{a:1,b:[2,3],c:function(n){return n>>>0}}});"##,
        46,
        57,
    ),
];

#[test]
fn t6_the_estimate_is_never_more_than_a_tenth_below_a_real_count() {
    for &(what, text, tekken, pieces) in MEASURED {
        let estimate = text::tokens(text);
        for real in [tekken, pieces] {
            assert!(estimate * 10 >= real * 9, "{what}: {estimate} for {real}");
        }
    }
}

#[test]
fn the_estimate_is_not_much_above_a_real_count() {
    let sum = |of: fn(&(&str, &str, u64, u64)) -> u64| MEASURED.iter().map(of).sum::<u64>();
    let estimate = sum(|(_, text, ..)| text::tokens(text));
    let real = sum(|(_, _, tekken, pieces)| *tekken.max(pieces));
    assert!(estimate * 10 <= real * 13, "{estimate} for {real}");
}

fn tokens(change: impl FnOnce(&mut Chat)) -> u64 {
    let mut chat = Chat::default();
    change(&mut chat);
    input_tokens(&Call::Chat(Box::new(chat)))
}

fn tokens_of(block: Block) -> u64 {
    tokens(|chat| chat.turns.push(Turn::new(Role::User, vec![block])))
}

#[test]
fn t6_tools_and_every_kind_of_block_count() {
    use crate::block::{Audio, Opaque, State, Text, ToolForm};
    use crate::dialect::Dialect;
    let words = "a sentence of some seven words, counted";
    let nothing = tokens(|chat| chat.turns.push(Turn::new(Role::User, Vec::new())));
    let raw = Raw::of(&words);
    let source = Source::Text(words.to_owned());
    let blocks = [
        Block::Text(Text::plain(words)),
        Block::Refusal(words.to_owned()),
        Block::Reasoning(Reasoning {
            text: words.to_owned(),
            state: None,
        }),
        Block::Reasoning(Reasoning {
            text: String::new(),
            state: Some(State {
                dialect: Dialect::AnthropicMessages,
                provider: None,
                id: None,
                redacted: true,
                data: "x".repeat(100),
            }),
        }),
        Block::ToolUse(ToolUse {
            id: "toolu_1".to_owned(),
            name: "read".to_owned(),
            namespace: None,
            form: ToolForm::Function,
            arguments: format!(r#"{{"text":"{words}"}}"#),
            cache: None,
        }),
        Block::ToolResult(ToolResult {
            id: "toolu_1".to_owned(),
            content: vec![Block::Text(Text::plain(words))],
            is_error: false,
            form: ToolForm::Function,
            cache: None,
        }),
        Block::Image(Image {
            source: Source::Url("https://example.com/a.png".to_owned()),
            detail: None,
            cache: None,
        }),
        Block::Document(Document {
            source,
            title: None,
            context: None,
            citations: false,
            cache: None,
        }),
        Block::Audio(Audio {
            data: "x".repeat(100),
            format: None,
        }),
        Block::Opaque(Opaque {
            dialect: Dialect::AnthropicMessages,
            kind: "search_result".to_owned(),
            raw: raw.clone(),
        }),
    ];
    for block in blocks {
        let described = format!("{block:?}");
        assert!(tokens_of(block) >= nothing + 8, "{described}");
    }
    let tool = Tool::Function(Function {
        parameters: Some(raw),
        ..Function::default()
    });
    assert!(tokens(|chat| chat.tools.push(tool)) > tokens(|_| {}) + ANY_TOOLS);
}
