//! Notes: what a translation could not carry.
//!
//! Every encoder that leaves something out says so here. The caller sees the names in the header
//! `vane-dropped`; with `vane-strict: true` the call is refused before any money is spent.

/// Names of what was left out, in the order of first mention, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    dropped: Vec<String>,
}

impl Notes {
    /// Notes that `name` (a request field, or a block such as `image`) was not carried.
    pub fn drop(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref();
        if !self.dropped.iter().any(|seen| seen == name) {
            self.dropped.push(name.to_owned());
        }
    }

    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dropped.is_empty()
    }
}
