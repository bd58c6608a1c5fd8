//! The protocol of Valkey and Redis (RESP 2), as much of it as shared limits need.
//!
//! Commands are lists of texts; of replies only what our scripts and the handshake are answered with
//! is understood: lines, errors, integers, texts, and one flat list of them. Everything has a bound,
//! and what is over it or anything else is [`Malformed`]: a server that speaks otherwise is none of ours.

use memchr::memmem;

/// A line, and a text: the longest that a well-meaning server sends is an error's message.
const TEXT_BYTES_MAX: usize = 1024;
/// Our scripts answer with five integers.
const ITEMS_MAX: usize = 16;
/// No reply that is understood is longer.
pub(super) const REPLY_BYTES_MAX: usize = (TEXT_BYTES_MAX + 32) * (ITEMS_MAX + 1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Line(String),
    Error(String),
    Integer(i64),
    Text(String),
    Nothing,
    List(Vec<Reply>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Appends a command.
pub fn encode<'p>(parts: impl ExactSizeIterator<Item = &'p str>, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// The reply that `bytes` begin with, and how many bytes it took; nothing while it is not whole.
///
/// # Errors
/// If they begin with none that is understood.
pub fn decode(bytes: &[u8]) -> Result<Option<(Reply, usize)>, Malformed> {
    let mut rest = bytes;
    let reply = read(&mut rest, true)?;
    if reply.is_none() && bytes.len() > REPLY_BYTES_MAX {
        return Err(Malformed("a reply without an end"));
    }
    Ok(reply.map(|reply| (reply, bytes.len() - rest.len())))
}

fn read(rest: &mut &[u8], may_list: bool) -> Result<Option<Reply>, Malformed> {
    let Some(kind) = rest.first().copied() else {
        return Ok(None);
    };
    if !b"+-:$*".contains(&kind) {
        return Err(Malformed("a reply of an unknown kind"));
    }
    let Some(line) = line(rest)? else {
        return Ok(None);
    };
    let line = &line[1..];
    Ok(match kind {
        b'+' => Some(Reply::Line(text(line)?)),
        b'-' => Some(Reply::Error(String::from_utf8_lossy(line).into_owned())),
        b':' => Some(Reply::Integer(integer(line)?)),
        b'$' => match integer(line)? {
            -1 => Some(Reply::Nothing),
            length => bulk(rest, within(length, TEXT_BYTES_MAX)?)?,
        },
        _ if !may_list => return Err(Malformed("a list within a list")),
        _ => match integer(line)? {
            -1 => Some(Reply::Nothing),
            length => list(rest, within(length, ITEMS_MAX)?)?,
        },
    })
}

fn list(rest: &mut &[u8], length: usize) -> Result<Option<Reply>, Malformed> {
    let mut items = Vec::with_capacity(length);
    for _ in 0..length {
        let Some(item) = read(rest, false)? else {
            return Ok(None);
        };
        items.push(item);
    }
    Ok(Some(Reply::List(items)))
}

fn bulk(rest: &mut &[u8], length: usize) -> Result<Option<Reply>, Malformed> {
    let Some((text_bytes, after)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let Some((end, after)) = after.split_at_checked(2) else {
        return Ok(None);
    };
    if end != b"\r\n" {
        return Err(Malformed("a text that does not end where it said"));
    }
    *rest = after;
    Ok(Some(Reply::Text(text(text_bytes)?)))
}

/// The next line without its end.
fn line<'b>(rest: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Malformed> {
    let window = &rest[..rest.len().min(TEXT_BYTES_MAX + 3)];
    match memmem::find(window, b"\r\n") {
        Some(end) => {
            let line = &rest[..end];
            *rest = &rest[end + 2..];
            Ok(Some(line))
        }
        None if rest.len() > TEXT_BYTES_MAX + 2 => Err(Malformed("a line without an end")),
        None => Ok(None),
    }
}

/// Digits, perhaps after a minus: what `parse` allows beyond that is not the protocol's.
fn integer(line: &[u8]) -> Result<i64, Malformed> {
    let wrong = Malformed("a number that is none");
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(wrong);
    }
    let line = std::str::from_utf8(line).map_err(|_| wrong)?;
    line.parse().map_err(|_| wrong)
}

fn within(length: i64, most: usize) -> Result<usize, Malformed> {
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= most);
    length.ok_or(Malformed("a length that is too long"))
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a text that is no UTF-8"))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lists_of_texts() {
        let mut out = Vec::new();
        encode(["SELECT", "", "é"].into_iter(), &mut out);
        assert_eq!(
            out,
            "*3\r\n$6\r\nSELECT\r\n$0\r\n\r\n$2\r\né\r\n".as_bytes()
        );
    }

    #[test]
    fn replies_are_read_when_they_are_whole_and_not_before() {
        let number = |n| Reply::Integer(n);
        for (bytes, reply) in [
            ("+OK\r\n", Reply::Line("OK".into())),
            ("-NOAUTH no\r\n", Reply::Error("NOAUTH no".into())),
            (":-12\r\n", number(-12)),
            ("$2\r\n\r\n\r\n", Reply::Text("\r\n".into())),
            ("$-1\r\n", Reply::Nothing),
            ("*-1\r\n", Reply::Nothing),
            ("*0\r\n", Reply::List(vec![])),
            (
                "*2\r\n:1\r\n$1\r\na\r\n",
                Reply::List(vec![number(1), Reply::Text("a".into())]),
            ),
        ] {
            let more = format!("{bytes}:7\r\n");
            assert_eq!(decode(more.as_bytes()), Ok(Some((reply, bytes.len()))));
            for end in 0..bytes.len() {
                assert_eq!(
                    decode(&bytes.as_bytes()[..end]),
                    Ok(None),
                    "{bytes:?} {end}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_reply_or_over_a_bound_is_refused() {
        let long = format!("+{}", "a".repeat(TEXT_BYTES_MAX + 4));
        for bytes in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            ":\r\n",
            ":+1\r\n",
            ":1e3\r\n",
            ": 1\r\n",
            ":9223372036854775808\r\n",
            "$1025\r\n",
            "$-2\r\n",
            "$1\r\nabc",
            "*17\r\n",
            "*-2\r\n",
            "*1\r\n*1\r\n:1\r\n",
            "*99999999999\r\n",
            "%1\r\n",
            &long,
        ] {
            assert!(decode(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert!(decode(b"+\xff\r\n").is_err());
    }
}
