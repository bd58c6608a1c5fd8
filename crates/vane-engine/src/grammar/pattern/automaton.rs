//! From a pattern to states and what leads from one to the next. Everything is counted, and what becomes
//! too much is refused.

use std::collections::{BTreeSet, HashMap};

use super::syntax::{Node, Set};
use super::{Budget, LAST};

/// Where no character is.
const HALVES: (u32, u32) = (0xd800, 0xdfff);
const STATES_MAX: usize = 4_096;

/// What leads on, and where to.
#[derive(Debug)]
struct Way {
    from: u32,
    last: u32,
    to: u32,
}

#[derive(Debug, Default)]
struct State {
    ways: Vec<Way>,
    accepts: bool,
    /// Every character leads back here.
    is_free: bool,
}

/// State 0 is the beginning. No states: no text has the pattern.
#[derive(Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
}

impl Automaton {
    pub(super) fn of(
        tree: &Node,
        lengths: (u32, u32),
        budget: &mut Budget,
    ) -> Result<Self, String> {
        let mut net = Net {
            steps: vec![Step::Match],
            budget,
        };
        let entry = net.add(tree, MATCH)?;
        let making = Making::new(net, entry, lengths);
        making.run()
    }

    pub(super) fn is_possible(&self) -> bool {
        !self.states.is_empty()
    }

    pub(super) fn accepts(&self, at: u32) -> bool {
        self.states[at as usize].accepts
    }

    pub(super) fn is_free(&self, at: u32) -> bool {
        self.states[at as usize].is_free
    }

    pub(super) fn step(&self, at: u32, code: u32) -> Option<u32> {
        let ways = &self.states[at as usize].ways;
        let place = ways.partition_point(|way| way.last < code);
        let way = ways.get(place).filter(|way| way.from <= code);
        way.map(|way| way.to)
    }

    /// Whether a character between these may come.
    pub(super) fn may(&self, at: u32, from: u32, to: u32) -> bool {
        let ways = &self.states[at as usize].ways;
        let place = ways.partition_point(|way| way.last < from);
        from <= to && ways.get(place).is_some_and(|way| way.from <= to)
    }
}

/// A step of the net in which several stand at once.
#[derive(Debug)]
enum Step {
    /// The pattern is there.
    Match,
    Character(Set, u32),
    Either(u32, u32),
    Start(u32),
    End(u32),
}

const MATCH: u32 = 0;

struct Net<'b> {
    steps: Vec<Step>,
    budget: &'b mut Budget,
}

impl Net<'_> {
    fn push(&mut self, step: Step) -> u32 {
        self.steps.push(step);
        number(self.steps.len() - 1)
    }

    /// The step that leads through a node to what comes next.
    fn add(&mut self, node: &Node, next: u32) -> Result<u32, String> {
        self.budget.spend(64)?;
        Ok(match node {
            Node::Set(set) => {
                self.budget.spend(set.len())?;
                self.push(Step::Character(set.clone(), next))
            }
            Node::Start => self.push(Step::Start(next)),
            Node::End => self.push(Step::End(next)),
            Node::Join(nodes) => {
                let mut at = next;
                for node in nodes.iter().rev() {
                    at = self.add(node, at)?;
                }
                at
            }
            Node::Either(nodes) => {
                let mut all = Vec::new();
                for node in nodes {
                    all.push(self.add(node, next)?);
                }
                let first = all.pop().unwrap_or(next);
                let either = |at, other| self.push(Step::Either(other, at));
                all.into_iter().rev().fold(first, either)
            }
            Node::Repeat { node, least, most } => {
                let mut at = next;
                match most {
                    None => {
                        let round = self.push(Step::Either(next, next));
                        let inner = self.add(node, round)?;
                        self.steps[round as usize] = Step::Either(inner, next);
                        at = round;
                    }
                    Some(most) => {
                        for _ in *least..*most {
                            let inner = self.add(node, at)?;
                            at = self.push(Step::Either(inner, next));
                        }
                    }
                }
                for _ in 0..*least {
                    at = self.add(node, at)?;
                }
                at
            }
        })
    }

    /// Where one stands who stands at these: characters and ends that come next, and the match.
    fn closure(
        &mut self,
        from: Vec<u32>,
        first: bool,
        last: bool,
    ) -> Result<BTreeSet<u32>, String> {
        let mut seen = BTreeSet::new();
        let mut queue = from;
        while let Some(at) = queue.pop() {
            if !seen.insert(at) {
                continue;
            }
            self.budget.spend(1)?;
            match &self.steps[at as usize] {
                Step::Either(one, other) => queue.extend([*one, *other]),
                Step::Start(next) if first => queue.push(*next),
                Step::End(next) if last => queue.push(*next),
                Step::Match | Step::Character(..) | Step::Start(_) | Step::End(_) => {}
            }
        }
        Ok(seen)
    }
}

/// What a state stands for: steps of the net, and so many characters as far as that matters.
type Key = (Vec<u32>, u32, bool);

struct Making<'b> {
    net: Net<'b>,
    entry: u32,
    least: u32,
    most: u32,
    /// Ranges of characters that no set tells apart.
    atoms: Set,
    known: HashMap<Key, u32>,
    open: Vec<Key>,
    states: Vec<State>,
}

impl<'b> Making<'b> {
    fn new(net: Net<'b>, entry: u32, (least, most): (u32, u32)) -> Self {
        Self {
            atoms: atoms(&net.steps),
            net,
            entry,
            least,
            most,
            known: HashMap::new(),
            open: Vec::new(),
            states: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Automaton, String> {
        self.state(vec![self.entry], 0, true)?;
        let mut at = 0;
        while at < self.open.len() {
            let (steps, count, _) = self.open[at].clone();
            // As long as it may be.
            if count < self.most {
                self.states[at].ways = self.ways(&steps, count)?;
            }
            at += 1;
        }
        Ok(Automaton {
            states: trimmed(self.states),
        })
    }

    fn ways(&mut self, steps: &[u32], count: u32) -> Result<Vec<Way>, String> {
        let mut ways: Vec<Way> = Vec::new();
        for at in 0..self.atoms.len() {
            let (from, last) = self.atoms[at];
            self.net.budget.spend(1 + steps.len())?;
            let next = self.next(steps, from);
            let to = self.state(next, count.saturating_add(1), false)?;
            match ways.last_mut() {
                Some(way) if way.to == to && way.last + 1 == from => way.last = last,
                _ => ways.push(Way { from, last, to }),
            }
        }
        Ok(ways)
    }

    /// Where a character leads. The pattern may begin after each.
    fn next(&self, steps: &[u32], code: u32) -> Vec<u32> {
        let leads = |step: &u32| match &self.net.steps[*step as usize] {
            Step::Match => Some(MATCH),
            Step::Character(set, next) => {
                let place = set.partition_point(|(_, last)| *last < code);
                let is_in = set.get(place).is_some_and(|(from, _)| *from <= code);
                is_in.then_some(*next)
            }
            Step::Either(..) | Step::Start(_) | Step::End(_) => None,
        };
        let mut next: Vec<u32> = steps.iter().filter_map(leads).collect();
        next.push(self.entry);
        next
    }

    fn state(&mut self, steps: Vec<u32>, count: u32, first: bool) -> Result<u32, String> {
        let here = self.net.closure(steps, first, false)?;
        // Whatever comes after the pattern.
        let is_there = here.contains(&MATCH);
        let here: Vec<u32> = if is_there {
            vec![MATCH]
        } else {
            here.into_iter().collect()
        };
        let ends = self.net.closure(here.clone(), first, true)?;
        let accepts = ends.contains(&MATCH) && count >= self.least;
        // What is not bounded need not be counted any further.
        let counted = if self.most == u32::MAX {
            count.min(self.least)
        } else {
            count
        };
        let key = (here, counted, accepts);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.states.len() >= STATES_MAX {
            return Err("its automaton is too large".to_owned());
        }
        let state = number(self.states.len());
        self.states.push(State {
            ways: Vec::new(),
            accepts,
            is_free: is_there && accepts && self.most == u32::MAX,
        });
        self.known.insert(key.clone(), state);
        self.open.push(key);
        Ok(state)
    }
}

/// All characters, cut where a set begins or ends.
fn atoms(steps: &[Step]) -> Set {
    let (first_half, last_half) = HALVES;
    let mut cuts = BTreeSet::from([0, first_half, last_half + 1, LAST + 1]);
    for step in steps {
        if let Step::Character(set, _) = step {
            cuts.extend(set.iter().flat_map(|(from, to)| [*from, *to + 1]));
        }
    }
    let cuts: Vec<u32> = cuts.into_iter().collect();
    let ranges = cuts.windows(2).map(|cut| (cut[0], cut[1] - 1));
    let is_half = |from: u32| (first_half..=last_half).contains(&from);
    ranges.filter(|(from, _)| !is_half(*from)).collect()
}

/// The states from which there is an end.
fn trimmed(states: Vec<State>) -> Vec<State> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
    for (at, state) in states.iter().enumerate() {
        for way in &state.ways {
            before[way.to as usize].push(at);
        }
    }
    let mut queue: Vec<usize> = (0..states.len()).filter(|at| states[*at].accepts).collect();
    let mut lives = vec![false; states.len()];
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut lives[at], true) {
            queue.extend(&before[at]);
        }
    }
    if lives.first() != Some(&true) {
        return Vec::new();
    }
    let mut places = vec![0; states.len()];
    let mut many = 0;
    for (place, lives) in places.iter_mut().zip(&lives) {
        *place = many;
        many += u32::from(*lives);
    }
    let kept = { states.into_iter().enumerate() }.filter(|(at, _)| lives[*at]);
    let renamed = kept.map(|(_, mut state)| {
        state.ways.retain(|way| lives[way.to as usize]);
        for way in &mut state.ways {
            way.to = places[way.to as usize];
        }
        state
    });
    renamed.collect()
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
