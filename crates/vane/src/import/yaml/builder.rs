//! Events into a tree, with every bound kept before anything is made.
//!
//! What is open stands on a stack of its own, so depth costs no stack of the program's. An anchor
//! remembers how many nodes it stands for: an alias is paid for before it is copied.

use std::collections::HashMap;

use saphyr_parser::ScalarStyle;

use super::{DEPTH_MAX, KEYS_MAX, NODES_MAX, Value, Yaml, YamlFault};

#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Part>,
    nodes: usize,
    root: Option<Yaml>,
    documents: usize,
}

/// A node that is whole, with what it weighs.
#[derive(Clone)]
struct Part {
    node: Yaml,
    nodes: usize,
    depth: usize,
}

/// A list or a table whose end has not come.
struct Open {
    line: usize,
    anchor: usize,
    holds: Holds,
    nodes: usize,
    /// Of what stands in it, at the deepest.
    depth: usize,
}

enum Holds {
    List(Vec<Yaml>),
    /// The pairs, and the key that waits for its value.
    Table(Vec<(String, Yaml)>, Option<String>),
}

impl Builder {
    pub(super) fn document(&mut self, line: usize) -> Result<(), YamlFault> {
        self.documents += 1;
        match self.documents {
            1 => Ok(()),
            _ => fault(line, "a second document begins here: one is read"),
        }
    }

    pub(super) fn scalar(
        &mut self,
        line: usize,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
    ) -> Result<(), YamlFault> {
        let is_null =
            style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
        let value = if is_null {
            Value::Null
        } else {
            Value::Text(text.to_owned())
        };
        self.spend(line, 1)?;
        let node = Yaml { line, value };
        self.add(
            anchor,
            Part {
                node,
                nodes: 1,
                depth: 0,
            },
        )
    }

    pub(super) fn open_list(&mut self, line: usize, anchor: usize) -> Result<(), YamlFault> {
        self.open(line, anchor, Holds::List(Vec::new()))
    }

    pub(super) fn open_table(&mut self, line: usize, anchor: usize) -> Result<(), YamlFault> {
        self.open(line, anchor, Holds::Table(Vec::new(), None))
    }

    fn open(&mut self, line: usize, anchor: usize, holds: Holds) -> Result<(), YamlFault> {
        self.spend(line, 1)?;
        self.check_depth(line, 1)?;
        self.open.push(Open {
            line,
            anchor,
            holds,
            nodes: 1,
            depth: 0,
        });
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), YamlFault> {
        let Some(done) = self.open.pop() else {
            return Ok(());
        };
        let value = match done.holds {
            Holds::List(items) => Value::List(items),
            Holds::Table(pairs, _) => Value::Table(pairs),
        };
        let part = Part {
            node: Yaml {
                line: done.line,
                value,
            },
            nodes: done.nodes,
            depth: done.depth + 1,
        };
        self.add(done.anchor, part)
    }

    pub(super) fn alias(&mut self, line: usize, anchor: usize) -> Result<(), YamlFault> {
        // An anchor that is still open has no node yet: a tree that holds itself has no end.
        let Some(part) = self.anchors.get(&anchor) else {
            return fault(line, "an alias of what it stands in, or of nothing");
        };
        let (nodes, depth) = (part.nodes, part.depth);
        self.spend(line, nodes)?;
        self.check_depth(line, depth)?;
        match self.anchors.get(&anchor).cloned() {
            Some(part) => self.add(0, part),
            None => Ok(()),
        }
    }

    /// Puts a whole node where it belongs.
    fn add(&mut self, anchor: usize, part: Part) -> Result<(), YamlFault> {
        if anchor > 0 {
            // What is remembered is a copy too.
            self.spend(part.node.line, part.nodes)?;
            self.anchors.insert(anchor, part.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(part.node);
            return Ok(());
        };
        open.nodes += part.nodes;
        open.depth = open.depth.max(part.depth);
        match &mut open.holds {
            Holds::List(items) => items.push(part.node),
            Holds::Table(pairs, waiting) => match waiting.take() {
                None => *waiting = Some(key(&part.node)?),
                Some(key) => put(pairs, key, part.node)?,
            },
        }
        Ok(())
    }

    fn spend(&mut self, line: usize, nodes: usize) -> Result<(), YamlFault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            return fault(line, "more than 100,000 values, those of aliases included");
        }
        Ok(())
    }

    fn check_depth(&self, line: usize, more: usize) -> Result<(), YamlFault> {
        if self.open.len() + more > DEPTH_MAX {
            return fault(line, "more than 64 lists and tables in each other");
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Yaml {
        self.root.unwrap_or(Yaml {
            line: 1,
            value: Value::Null,
        })
    }
}

fn key(node: &Yaml) -> Result<String, YamlFault> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Null | Value::List(_) | Value::Table(_) => fault(node.line, "a key that is no text"),
    }
}

/// A pair; or, under `<<`, the pairs of a table that this one does not have itself.
fn put(pairs: &mut Vec<(String, Yaml)>, key: String, node: Yaml) -> Result<(), YamlFault> {
    if key == "<<" {
        let merged = match node.value {
            Value::Table(pairs) => pairs,
            Value::List(tables) => tables.iter().flat_map(Yaml::table).cloned().collect(),
            Value::Null | Value::Text(_) => Vec::new(),
        };
        for (key, node) in merged {
            if !pairs.iter().any(|(known, _)| *known == key) {
                push(pairs, key, node)?;
            }
        }
        return Ok(());
    }
    if pairs.iter().any(|(known, _)| *known == key) {
        return fault(node.line, "a key that stands in its table twice");
    }
    push(pairs, key, node)
}

fn push(pairs: &mut Vec<(String, Yaml)>, key: String, node: Yaml) -> Result<(), YamlFault> {
    // Keys are searched one by one.
    if pairs.len() == KEYS_MAX {
        return fault(node.line, "more than 1,000 keys in a table");
    }
    pairs.push((key, node));
    Ok(())
}

fn fault<T>(line: usize, what: &'static str) -> Result<T, YamlFault> {
    Err(YamlFault { line, what })
}
