//! Patterns as JSON Schema has them (ECMA-262), as far as they are regular. All else is refused by its name.

/// Groups within each other.
const DEPTH_MAX: u32 = 50;
/// Of a quantifier.
const TIMES_MAX: u32 = 1_000;
const LAST: u32 = super::LAST;
/// What a dot is not.
const LINE_ENDS: [(u32, u32); 3] = [(0xa, 0xa), (0xd, 0xd), (0x2028, 0x2029)];
const DIGITS: [(u32, u32); 1] = [(0x30, 0x39)];
const WORD: [(u32, u32); 4] = [(0x30, 0x39), (0x41, 0x5a), (0x5f, 0x5f), (0x61, 0x7a)];
const SPACES: [(u32, u32); 10] = [
    (0x9, 0xd),
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x2028, 0x2029),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    (0xfeff, 0xfeff),
];

/// Characters, as ranges in their order, of which no two meet.
pub(super) type Set = Vec<(u32, u32)>;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Set(Set),
    /// `^` and `$`.
    Start,
    End,
    Join(Vec<Node>),
    Either(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

pub(super) fn read(text: &str) -> Result<Node, String> {
    let mut reader = Reader {
        rest: text.chars().collect(),
        depth: 0,
    };
    reader.rest.reverse();
    let node = reader.either()?;
    match reader.peek() {
        None => Ok(node),
        Some(sign) => Err(stray(sign)),
    }
}

fn stray(sign: char) -> String {
    format!("`{sign}` stands alone; with a backslash before it, it is itself")
}

struct Reader {
    /// The next is the last.
    rest: Vec<char>,
    depth: u32,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.last().copied()
    }

    fn next(&mut self) -> Option<char> {
        self.rest.pop()
    }

    fn takes(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Some(sign);
        if is_next {
            self.rest.pop();
        }
        is_next
    }

    fn either(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.join()?];
        while self.takes('|') {
            nodes.push(self.join()?);
        }
        Ok(match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Either(nodes),
        })
    }

    fn join(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(sign) = self.peek().filter(|sign| !matches!(sign, '|' | ')')) {
            let node = self.atom()?;
            let (least, most) = match self.times()? {
                None => {
                    nodes.push(node);
                    continue;
                }
                Some(times) => times,
            };
            if matches!(node, Node::Start | Node::End) {
                return Err(format!("`{sign}` cannot be repeated"));
            }
            // As few as possible or as many: what is matched is the same.
            self.takes('?');
            if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
                return Err("a quantifier of a quantifier".to_owned());
            }
            let node = Box::new(node);
            nodes.push(Node::Repeat { node, least, most });
        }
        Ok(Node::Join(nodes))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let Some(sign) = self.next() else {
            return Err("it ends too early".to_owned());
        };
        match sign {
            '^' => Ok(Node::Start),
            '$' => Ok(Node::End),
            '.' => Ok(Node::Set(without(&LINE_ENDS))),
            '(' => self.group(),
            '[' => self.class().map(Node::Set),
            '\\' => self.escape(false).map(Node::Set),
            '*' | '+' | '?' | '{' | '}' | ']' => Err(stray(sign)),
            _ => Ok(Node::Set(vec![(u32::from(sign), u32::from(sign))])),
        }
    }

    fn group(&mut self) -> Result<Node, String> {
        if self.takes('?') {
            match self.next() {
                Some(':') => {}
                // A name; nothing refers to it.
                Some('<') if !matches!(self.peek(), Some('=' | '!')) => {
                    while !self.takes('>') {
                        let letter = |sign: &char| sign.is_alphanumeric() || *sign == '_';
                        self.next()
                            .filter(letter)
                            .ok_or("a group with a broken name")?;
                    }
                }
                Some('=' | '!' | '<') => return Err("looking ahead or behind".to_owned()),
                Some(_) | None => return Err("a group of another kind".to_owned()),
            }
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} groups within each other"));
        }
        let node = self.either()?;
        self.depth -= 1;
        if self.takes(')') {
            Ok(node)
        } else {
            Err("a group that does not end".to_owned())
        }
    }

    /// How often what stands before comes, if that is said.
    fn times(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let times = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.next();
                return self.counted().map(Some);
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(times))
    }

    fn counted(&mut self) -> Result<(u32, Option<u32>), String> {
        let least = self.number()?.ok_or("a `{` that counts nothing")?;
        let most = if self.takes(',') {
            self.number()?
        } else {
            Some(least)
        };
        if !self.takes('}') {
            return Err("a `{` that does not end".to_owned());
        }
        if most.is_some_and(|most| most < least) {
            return Err("a quantifier whose most is less than its least".to_owned());
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Result<Option<u32>, String> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|sign| sign.to_digit(10)) {
            self.next();
            let next = number.unwrap_or(0) * 10 + digit;
            if next > TIMES_MAX {
                return Err(format!("a quantifier of more than {TIMES_MAX}"));
            }
            number = Some(next);
        }
        Ok(number)
    }

    fn class(&mut self) -> Result<Set, String> {
        let is_negated = self.takes('^');
        let mut set = Set::new();
        loop {
            let sign = self.next().ok_or("a class that does not end")?;
            if sign == ']' {
                break;
            }
            let first = self.member(sign)?;
            let is_range = self.peek() == Some('-')
                && !matches!(self.rest.iter().rev().nth(1), Some(']') | None);
            if !is_range {
                set.extend(first);
                continue;
            }
            self.next();
            let sign = self.next().ok_or("a class that does not end")?;
            let last = self.member(sign)?;
            match (first.as_slice(), last.as_slice()) {
                ([(from, end)], [(start, to)]) if from == end && start == to && from <= to => {
                    set.push((*from, *to));
                }
                _ => return Err("a range in a class from no character to another".to_owned()),
            }
        }
        Ok(if is_negated {
            without(&set)
        } else {
            sorted(set)
        })
    }

    fn member(&mut self, sign: char) -> Result<Set, String> {
        if sign == '\\' {
            return self.escape(true);
        }
        Ok(vec![(u32::from(sign), u32::from(sign))])
    }

    fn escape(&mut self, in_class: bool) -> Result<Set, String> {
        let sign = self.next().ok_or("a backslash at the end")?;
        let one = |code: u32| Ok(vec![(code, code)]);
        match sign {
            'd' => Ok(DIGITS.to_vec()),
            'D' => Ok(without(&DIGITS)),
            'w' => Ok(WORD.to_vec()),
            'W' => Ok(without(&WORD)),
            's' => Ok(SPACES.to_vec()),
            'S' => Ok(without(&SPACES)),
            't' => one(0x9),
            'n' => one(0xa),
            'v' => one(0xb),
            'f' => one(0xc),
            'r' => one(0xd),
            'b' if in_class => one(0x8),
            '0' if !self.peek().is_some_and(|sign| sign.is_ascii_digit()) => one(0),
            'x' => self.code(2),
            'u' if self.takes('{') => {
                let code = self.code_until_brace()?;
                one(code)
            }
            'u' => self.code(4),
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
            | '/' => one(u32::from(sign)),
            // Outside of a class too, many write it.
            '-' => one(u32::from(sign)),
            _ => Err(format!("`\\{sign}`")),
        }
    }

    fn code(&mut self, digits: u32) -> Result<Set, String> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = self.next().and_then(|sign| sign.to_digit(16));
            code = code << 4 | digit.ok_or("an escape of too few digits")?;
        }
        let code = character(code)?;
        Ok(vec![(code, code)])
    }

    fn code_until_brace(&mut self) -> Result<u32, String> {
        let mut code = 0;
        while !self.takes('}') {
            let digit = self.next().and_then(|sign| sign.to_digit(16));
            code = code << 4 | digit.ok_or("an escape that does not end")?;
            if code > LAST {
                return Err("an escape of no character".to_owned());
            }
        }
        character(code)
    }
}

fn character(code: u32) -> Result<u32, String> {
    char::from_u32(code)
        .map(u32::from)
        .ok_or_else(|| "an escape of half a character".to_owned())
}

fn sorted(mut set: Set) -> Set {
    set.sort_unstable();
    let mut merged = Set::with_capacity(set.len());
    for (from, to) in set {
        match merged.last_mut() {
            Some((_, last)) if from <= *last => *last = to.max(*last),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// All characters but these.
fn without(set: &[(u32, u32)]) -> Set {
    let mut left = Set::new();
    let mut from = 0;
    for (first, last) in sorted(set.to_vec()) {
        if from < first {
            left.push((from, first - 1));
        }
        from = from.max(last + 1);
    }
    if from <= LAST {
        left.push((from, LAST));
    }
    left
}
