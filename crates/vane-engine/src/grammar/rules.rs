//! What may stand in each place of a text: places, and the shapes of values that each allows.
//!
//! Every place has a height, the levels of nesting that its flattest value needs. A container is opened
//! only where its height still fits below [`DEPTH_MAX`], so that what is begun can be ended.

use super::number::Number;
use super::pattern::Pattern;
use super::trie::Trie;

/// Containers within each other. Readers of JSON commonly stop at 128.
pub(super) const DEPTH_MAX: u32 = 100;
/// The place where anything may stand.
pub(super) const ANYTHING: u32 = 0;
const IMPOSSIBLE: u32 = u32::MAX;
pub(super) const PLACES_MAX: usize = 8_192;
/// Shapes of all places, alternatives of alternatives among them.
const SHAPES_MAX: usize = 1 << 16;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string of so many characters.
    Text {
        least: u32,
        most: u32,
    },
    /// A string of `patterns`.
    Pattern(u32),
    /// One of `numbers`.
    Number(u32),
    /// A value out of a list: one of `lists`.
    Listed(u32),
    Object(u32),
    Array(u32),
}

#[derive(Debug, Default)]
struct Place {
    shapes: Vec<Shape>,
    /// Places whose shapes are allowed here too.
    also: Vec<u32>,
    height: u32,
}

#[derive(Debug)]
pub(super) struct Object {
    /// Names as they stand between quotes; word n is member n.
    pub(super) names: Trie,
    pub(super) members: Vec<Member>,
    /// What members of other names are, if there may be any.
    pub(super) others: Option<u32>,
    /// For each member and the end: the next that may not be left out.
    pub(super) required: Vec<Option<u32>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) place: u32,
    pub(super) required: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Array {
    pub(super) items: u32,
    pub(super) least: u32,
    pub(super) most: Option<u32>,
}

#[derive(Debug)]
pub(super) struct List {
    pub(super) values: Trie,
    /// Containers within each other in any of the values.
    pub(super) height: u32,
}

#[derive(Debug)]
pub(super) struct Rules {
    places: Vec<Place>,
    pub(super) objects: Vec<Object>,
    pub(super) arrays: Vec<Array>,
    pub(super) numbers: Vec<Number>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) lists: Vec<List>,
}

impl Rules {
    /// With one place, of anything.
    pub(super) fn new() -> Self {
        let mut rules = Self {
            places: vec![Place::default()],
            objects: Vec::new(),
            arrays: Vec::new(),
            numbers: Vec::new(),
            patterns: Vec::new(),
            lists: Vec::new(),
        };
        let words: [&[u8]; 3] = [b"null", b"true", b"false"];
        let list = rules.add_list(Trie::of(words), 0);
        let number = rules.add_number(Number::Any);
        let object = rules.any_object();
        let array = rules.add_array(Array {
            items: ANYTHING,
            least: 0,
            most: None,
        });
        rules.places[0].shapes = vec![
            Shape::Object(object),
            Shape::Array(array),
            Shape::TEXT,
            Shape::Number(number),
            Shape::Listed(list),
        ];
        rules
    }

    pub(super) fn any_object(&mut self) -> u32 {
        self.add_object(Vec::new(), Some(ANYTHING))
    }

    /// A place of nothing yet.
    pub(super) fn reserve(&mut self) -> u32 {
        self.places.push(Place::default());
        number(self.places.len() - 1)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn push(&mut self, place: u32, shape: Shape) {
        self.places[place as usize].shapes.push(shape);
    }

    pub(super) fn push_also(&mut self, place: u32, other: u32) {
        self.places[place as usize].also.push(other);
    }

    pub(super) fn shapes(&self, place: u32) -> &[Shape] {
        &self.places[place as usize].shapes
    }

    /// Whether a value of this place can stand within so many containers.
    pub(super) fn fits(&self, place: u32, depth: u32) -> bool {
        depth.saturating_add(self.places[place as usize].height) <= DEPTH_MAX
    }

    pub(super) fn is_possible(&self, place: u32) -> bool {
        self.fits(place, 0)
    }

    pub(super) fn add_list(&mut self, values: Trie, height: u32) -> u32 {
        self.lists.push(List { values, height });
        number(self.lists.len() - 1)
    }

    pub(super) fn add_number(&mut self, is: Number) -> u32 {
        self.numbers.push(is);
        number(self.numbers.len() - 1)
    }

    pub(super) fn add_pattern(&mut self, is: Pattern) -> u32 {
        self.patterns.push(is);
        number(self.patterns.len() - 1)
    }

    pub(super) fn add_array(&mut self, array: Array) -> u32 {
        self.arrays.push(array);
        number(self.arrays.len() - 1)
    }

    pub(super) fn add_object(
        &mut self,
        members: Vec<(Vec<u8>, Member)>,
        others: Option<u32>,
    ) -> u32 {
        let names = Trie::of(members.iter().map(|(name, _)| name.as_slice()));
        let mut required = vec![None; members.len() + 1];
        for at in (0..members.len()).rev() {
            required[at] = if members[at].1.required {
                Some(number(at))
            } else {
                required[at + 1]
            };
        }
        self.objects.push(Object {
            names,
            members: members.into_iter().map(|(_, member)| member).collect(),
            others,
            required,
        });
        number(self.objects.len() - 1)
    }

    /// Says what is too much, or makes alternatives of alternatives plain and knows heights.
    pub(super) fn settle(&mut self) -> Option<&'static str> {
        let mut total = 0;
        let mut all = Vec::with_capacity(self.places.len());
        for place in 0..self.places.len() {
            let mut shapes: Vec<Shape> = Vec::new();
            let (mut seen, mut queue) = (vec![place], vec![place]);
            while let Some(next) = queue.pop() {
                let one = &self.places[next];
                let new = one.shapes.iter().filter(|shape| !shapes.contains(shape));
                let new: Vec<Shape> = new.copied().collect();
                shapes.extend(new);
                for other in one.also.iter().rev() {
                    if !seen.contains(&(*other as usize)) {
                        seen.push(*other as usize);
                        queue.push(*other as usize);
                    }
                }
                if shapes.len() + seen.len() > 1_024 {
                    return Some("more than 1024 alternatives in one place");
                }
            }
            total += shapes.len();
            all.push(shapes);
        }
        if total > SHAPES_MAX {
            return Some("too many alternatives");
        }
        for (place, shapes) in self.places.iter_mut().zip(all) {
            place.shapes = shapes;
            place.height = IMPOSSIBLE;
        }
        self.measure();
        None
    }

    /// Heights only fall, from impossible to what they are. More than [`DEPTH_MAX`] is impossible too.
    fn measure(&mut self) {
        for _ in 0..=DEPTH_MAX {
            let mut changed = false;
            for place in 0..self.places.len() {
                let shapes = self.places[place].shapes.iter();
                let least = shapes.map(|shape| self.height(*shape)).min();
                let height = least.unwrap_or(IMPOSSIBLE);
                changed |= height != self.places[place].height;
                self.places[place].height = height;
            }
            if !changed {
                return;
            }
        }
    }

    /// Levels of nesting that a value of this shape needs at least.
    pub(super) fn height(&self, shape: Shape) -> u32 {
        let place = |place: u32| self.places[place as usize].height;
        match shape {
            Shape::Text { .. } => 0,
            Shape::Number(number) if self.numbers[number as usize].is_possible() => 0,
            Shape::Number(_) => IMPOSSIBLE,
            Shape::Pattern(pattern) if self.patterns[pattern as usize].is_possible() => 0,
            Shape::Pattern(_) => IMPOSSIBLE,
            Shape::Listed(list) => self.lists[list as usize].height,
            Shape::Array(array) => {
                let array = &self.arrays[array as usize];
                let inner = if array.least == 0 {
                    0
                } else {
                    place(array.items)
                };
                inner.saturating_add(1)
            }
            Shape::Object(object) => {
                let members = self.objects[object as usize].members.iter();
                let required = members.filter(|member| member.required);
                let inner = required.map(|member| place(member.place)).max();
                inner.unwrap_or(0).saturating_add(1)
            }
        }
    }
}

impl Shape {
    pub(super) const TEXT: Shape = Shape::Text {
        least: 0,
        most: u32::MAX,
    };
}

/// There are never so many of anything: schemas are bounded.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
