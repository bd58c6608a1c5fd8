//! One way to read a text so far: what stands open, innermost first, and what a byte does to it.

use std::sync::Arc;

use super::number::Digits;
use super::pattern::Bits;
use super::rules::{Object, Rules, Shape};
use super::text::{Part, Turn};

/// White space that may still stand here. It is bounded, so that an answer cannot be lost in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Space {
    None,
    One,
    /// One space, or a new line and its indentation.
    Line,
    Indent(u16),
}

/// Columns of indentation for each level of nesting.
const INDENT: u32 = 4;

impl Space {
    fn step(self, byte: u8, depth: u32) -> Option<Self> {
        match (self, byte) {
            (Space::One | Space::Line, b' ') => Some(Space::None),
            (Space::Line, b'\n') => Some(Space::Indent(
                u16::try_from(depth * INDENT).unwrap_or(u16::MAX),
            )),
            (Space::Indent(left), b' ' | b'\t') => left.checked_sub(1).map(Space::Indent),
            _ => None,
        }
    }
}

/// The innermost thing, or a container around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Frame {
    /// A value of this place begins.
    Value {
        place: u32,
        space: Space,
    },
    /// A string, of which so many characters are missing at least and at most.
    Text {
        least: u32,
        most: u32,
        part: Part,
    },
    /// A string of a pattern, whose automaton stands there.
    Pattern {
        pattern: u32,
        at: u32,
        bits: Bits,
    },
    Number {
        number: u32,
        digits: Digits,
    },
    Listed {
        list: u32,
        at: u32,
    },
    /// The name of a member from `next` on; `at` is where it stands among the known names.
    Name {
        object: u32,
        next: u32,
        at: Option<u32>,
        part: Part,
    },
    /// After a name.
    Colon {
        object: u32,
        member: Option<u32>,
    },
    /// Its members before `next` have been.
    Object {
        object: u32,
        next: u32,
        stage: Stage,
    },
    /// So many of its items have been, as far as that matters.
    Array {
        array: u32,
        items: u32,
        stage: Stage,
    },
    /// The text is whole.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Nothing has been.
    Open(Space),
    /// After a comma.
    Comma(Space),
    /// After a member or an item.
    After(Space),
}

impl Stage {
    fn space(self, byte: u8, depth: u32) -> Option<Self> {
        match self {
            Stage::Open(space) => space.step(byte, depth).map(Stage::Open),
            Stage::Comma(space) => space.step(byte, depth).map(Stage::Comma),
            Stage::After(space) => space.step(byte, depth.saturating_sub(1)).map(Stage::After),
        }
    }

    /// Whether white space after an item has begun: then the container must end.
    fn is_fresh(self) -> bool {
        self == Stage::After(Space::Line)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Below {
    frame: Frame,
    below: Option<Arc<Below>>,
}

/// A way to read the text so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stack {
    pub(super) top: Frame,
    below: Option<Arc<Below>>,
    /// Containers below.
    depth: u32,
}

impl Stack {
    pub(super) fn new(place: u32) -> Self {
        let space = Space::None;
        Self {
            top: Frame::Value { place, space },
            below: None,
            depth: 0,
        }
    }

    pub(super) fn with(&self, top: Frame) -> Self {
        Self {
            top,
            ..self.clone()
        }
    }

    /// The same way as if it stood within so many containers more.
    #[cfg(test)]
    pub(super) fn deeper(&self, by: u32) -> Self {
        Self {
            depth: self.depth + by,
            ..self.clone()
        }
    }

    fn within(&self, container: Frame, top: Frame) -> Self {
        let below = Below {
            frame: container,
            below: self.below.clone(),
        };
        Self {
            top,
            below: Some(Arc::new(below)),
            depth: self.depth + 1,
        }
    }

    /// What stands when the innermost thing is over.
    fn over(&self) -> Self {
        match &self.below {
            Some(below) => Self {
                top: below.frame,
                below: below.below.clone(),
                depth: self.depth - 1,
            },
            None => self.with(Frame::Done),
        }
    }

    /// Whether the text may be over here.
    pub(super) fn is_complete(&self, rules: &Rules) -> bool {
        match self.top {
            Frame::Done => true,
            _ => self.below.is_none() && self.may_end(rules),
        }
    }

    /// Whether the innermost thing may be over without a byte that says so.
    fn may_end(&self, rules: &Rules) -> bool {
        match self.top {
            Frame::Number { number, digits } => rules.numbers[number as usize].may_end(digits),
            Frame::Listed { list, at } => rules.lists[list as usize].values.word(at).is_some(),
            _ => false,
        }
    }

    /// Adds the ways to read one byte more; none if it may not come.
    pub(super) fn step(&self, rules: &Rules, byte: u8, out: &mut Vec<Stack>) {
        match self.top {
            Frame::Value { place, space } => match space.step(byte, self.depth) {
                Some(space) => out.push(self.with(Frame::Value { place, space })),
                None => self.begin(rules, place, byte, out),
            },
            Frame::Text { least, most, part } => out.extend(self.text(least, most, part, byte)),
            Frame::Pattern { pattern, at, bits } => {
                out.extend(self.pattern(rules, (pattern, at, bits), byte));
            }
            Frame::Number { number, digits } => {
                let next = rules.numbers[number as usize].step(digits, byte);
                out.extend(next.map(|digits| self.with(Frame::Number { number, digits })));
            }
            Frame::Listed { list, at } => out.extend(self.listed(rules, list, at, byte)),
            Frame::Name {
                object,
                next,
                at,
                part,
            } => {
                out.extend(self.name(
                    &rules.objects[object as usize],
                    rules,
                    (object, next, at, part),
                    byte,
                ));
            }
            Frame::Colon { object, member } if byte == b':' => {
                let is = &rules.objects[object as usize];
                let known = member.and_then(|member| is.members.get(member as usize));
                let place = known.map(|member| member.place).or(is.others);
                let next = member.map_or(count(is), |member| member + 1);
                let stage = Stage::After(Space::Line);
                out.extend(place.map(|place| {
                    let space = Space::One;
                    self.within(
                        Frame::Object {
                            object,
                            next,
                            stage,
                        },
                        Frame::Value { place, space },
                    )
                }));
            }
            Frame::Object {
                object,
                next,
                stage,
            } => {
                out.extend(self.object(rules, (object, next, stage), byte));
            }
            Frame::Array {
                array,
                items,
                stage,
            } => self.array(rules, (array, items, stage), byte, out),
            Frame::Colon { .. } | Frame::Done => {}
        }
        if self.below.is_some() && self.may_end(rules) {
            self.over().step(rules, byte, out);
        }
    }

    fn begin(&self, rules: &Rules, place: u32, byte: u8, out: &mut Vec<Stack>) {
        for shape in rules.shapes(place) {
            if self.depth.saturating_add(rules.height(*shape)) > super::rules::DEPTH_MAX {
                continue;
            }
            let stage = Stage::Open(Space::Line);
            let top = match (*shape, byte) {
                (Shape::Text { least, most }, b'"') => {
                    let part = Part::Plain;
                    Some(Frame::Text { least, most, part })
                }
                (Shape::Pattern(pattern), b'"') => Some(Frame::Pattern {
                    pattern,
                    at: 0,
                    bits: Bits::Plain,
                }),
                (Shape::Number(number), _) => rules.numbers[number as usize]
                    .begin(byte)
                    .map(|digits| Frame::Number { number, digits }),
                (Shape::Listed(list), _) => {
                    out.extend(self.listed(rules, list, 0, byte));
                    None
                }
                (Shape::Object(object), b'{') => Some(Frame::Object {
                    object,
                    next: 0,
                    stage,
                }),
                (Shape::Array(array), b'[') => Some(Frame::Array {
                    array,
                    items: 0,
                    stage,
                }),
                (
                    Shape::Text { .. } | Shape::Pattern(_) | Shape::Object(_) | Shape::Array(_),
                    _,
                ) => None,
            };
            out.extend(top.map(|top| self.with(top)));
        }
    }

    fn text(&self, least: u32, most: u32, part: Part, byte: u8) -> Option<Self> {
        let quote = part == Part::Plain && byte == b'"';
        if most == 0 && part == Part::Plain && !quote {
            return None;
        }
        let top = match part.step(byte)? {
            Turn::Quote => return (least == 0).then(|| self.over()),
            Turn::Within(part) => Frame::Text { least, most, part },
            Turn::Whole => Frame::Text {
                least: least.saturating_sub(1),
                most: if most == u32::MAX { most } else { most - 1 },
                part: Part::Plain,
            },
        };
        Some(self.with(top))
    }

    fn pattern(
        &self,
        rules: &Rules,
        (pattern, at, bits): (u32, u32, Bits),
        byte: u8,
    ) -> Option<Self> {
        let is = &rules.patterns[pattern as usize];
        if bits == Bits::Plain && byte == b'"' {
            return is.accepts(at).then(|| self.over());
        }
        let (at, bits) = is.step(at, bits, byte)?;
        // The rest is any text, of which masks are known.
        let (least, most, part) = (0, u32::MAX, Part::Plain);
        Some(self.with(if bits == Bits::Plain && is.is_free(at) {
            Frame::Text { least, most, part }
        } else {
            Frame::Pattern { pattern, at, bits }
        }))
    }

    fn listed(&self, rules: &Rules, list: u32, at: u32, byte: u8) -> Option<Self> {
        let values = &rules.lists[list as usize].values;
        let at = values.child(at, byte)?;
        // A number that begins another one is over only when the next byte says so.
        Some(if values.is_leaf(at) {
            self.over()
        } else {
            self.with(Frame::Listed { list, at })
        })
    }

    fn name(
        &self,
        is: &Object,
        rules: &Rules,
        (object, next, at, part): (u32, u32, Option<u32>, Part),
        byte: u8,
    ) -> Option<Self> {
        let depth = self.depth + 1;
        let free = is.may_have_others(rules, next, depth);
        let child = at.and_then(|at| is.names.child(at, byte));
        // A quote within a name stands after a backslash.
        if byte == b'"' && part == Part::Plain && child.is_none() {
            let member = at.and_then(|at| is.names.word(at));
            let may = match member {
                Some(member) => is.may_have(rules, next, depth, member),
                None => free && at.is_none_or(|at| !is.names.is_escaped(at)),
            };
            return may.then(|| self.with(Frame::Colon { object, member }));
        }
        let known = child.is_some_and(|child| {
            let words = is.names.words(child).iter();
            { words }.any(|word| is.may_have(rules, next, depth, *word))
        });
        if at.is_some_and(|at| is.names.is_escaped(at))
            || child.is_some_and(|child| is.names.is_escaped(child))
        {
            // No name of our own making has an escape, or one name could be written in two ways.
            let part = Part::Plain;
            return known.then(|| {
                self.with(Frame::Name {
                    object,
                    next,
                    at: child,
                    part,
                })
            });
        }
        let part = match part.step(byte)? {
            Turn::Quote | Turn::Within(Part::Escape) => return None,
            Turn::Within(part) => part,
            Turn::Whole => Part::Plain,
        };
        let top = Frame::Name {
            object,
            next,
            at: child,
            part,
        };
        (known || free).then(|| self.with(top))
    }

    fn object(
        &self,
        rules: &Rules,
        (object, next, stage): (u32, u32, Stage),
        byte: u8,
    ) -> Option<Self> {
        let depth = self.depth + 1;
        let is = &rules.objects[object as usize];
        // Space after a member is space before the end.
        let ends = is.required[next as usize].is_none();
        if let Some(stage) = stage.space(byte, depth) {
            let may = ends || !matches!(stage, Stage::After(_));
            return may.then(|| {
                self.with(Frame::Object {
                    object,
                    next,
                    stage,
                })
            });
        }
        let more = is.may_go_on(rules, next, depth);
        match (byte, stage) {
            (b'}', Stage::Open(_) | Stage::After(_)) => ends.then(|| self.over()),
            (b',', Stage::After(_)) if stage.is_fresh() && more => {
                let stage = Stage::Comma(Space::Line);
                Some(self.with(Frame::Object {
                    object,
                    next,
                    stage,
                }))
            }
            (b'"', Stage::Open(_) | Stage::Comma(_)) if more => {
                let (at, part) = (Some(0), Part::Plain);
                Some(self.with(Frame::Name {
                    object,
                    next,
                    at,
                    part,
                }))
            }
            _ => None,
        }
    }

    fn array(
        &self,
        rules: &Rules,
        (array, items, stage): (u32, u32, Stage),
        byte: u8,
        out: &mut Vec<Stack>,
    ) {
        let depth = self.depth + 1;
        let is = rules.arrays[array as usize];
        let more = is.most.is_none_or(|most| items < most) && rules.fits(is.items, depth);
        // Space after an item is space before the end.
        let ends = items >= is.least;
        if let Some(stage) = stage.space(byte, depth) {
            if ends || !matches!(stage, Stage::After(_)) {
                out.push(self.with(Frame::Array {
                    array,
                    items,
                    stage,
                }));
            }
            return;
        }
        let place = is.items;
        match (byte, stage) {
            (b']', Stage::Open(_) | Stage::After(_)) if ends => out.push(self.over()),
            (b',', Stage::After(_)) if stage.is_fresh() && more => {
                let stage = Stage::Comma(Space::Line);
                out.push(self.with(Frame::Array {
                    array,
                    items,
                    stage,
                }));
            }
            (_, Stage::Open(_) | Stage::Comma(_)) if more => {
                let items = match is.most {
                    Some(_) => items + 1,
                    None => (items + 1).min(is.least),
                };
                let stage = Stage::After(Space::Line);
                let space = Space::None;
                let inner = self.within(
                    Frame::Array {
                        array,
                        items,
                        stage,
                    },
                    Frame::Value { place, space },
                );
                inner.begin(rules, place, byte, out);
            }
            _ => {}
        }
    }
}

fn count(object: &Object) -> u32 {
    u32::try_from(object.members.len()).unwrap_or(u32::MAX)
}

impl Object {
    /// Whether this member may be the next one, when those before `next` have been.
    fn may_have(&self, rules: &Rules, next: u32, depth: u32, member: u32) -> bool {
        let before_required =
            self.required[next as usize].is_none_or(|required| member <= required);
        member >= next && before_required && rules.fits(self.members[member as usize].place, depth)
    }

    fn may_have_others(&self, rules: &Rules, next: u32, depth: u32) -> bool {
        self.required[next as usize].is_none()
            && self.others.is_some_and(|place| rules.fits(place, depth))
    }

    fn may_go_on(&self, rules: &Rules, next: u32, depth: u32) -> bool {
        self.may_have_others(rules, next, depth)
            || (next..count(self)).any(|member| self.may_have(rules, next, depth, member))
    }
}
