//! "Did you mean": the known word nearest to a mistyped one.

/// Words further apart than a third of their letters are different words, not slips.
const LETTERS_PER_SLIP: usize = 3;

/// The likeliest of `known`, if any is near.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let slips_max = (word.chars().count() / LETTERS_PER_SLIP).max(1);
    let distance = |other: &str| {
        // An ending forgotten or added, such as a unit, is one slip however long it is.
        let ending =
            word.len() > LETTERS_PER_SLIP && (other.starts_with(word) || word.starts_with(other));
        if ending { 1 } else { slips(word, other) }
    };
    let distances = known.into_iter().map(|other| (distance(other), other));
    distances
        .filter(|(distance, _)| *distance <= slips_max)
        .min()
        .map(|(_, other)| other)
}

/// `; did you mean ...?`, or nothing.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// How many letters must be put in, taken out, changed, or swapped with their neighbour.
fn slips(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (at, letter) in from.chars().enumerate() {
        let mut next = vec![at + 1];
        for (column, &other) in to.iter().enumerate() {
            let changed = row[column] + usize::from(letter != other);
            let mut best = changed.min(row[column + 1] + 1).min(next[column] + 1);
            if column > 0 && last == Some(other) && to[column - 1] == letter {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        last = Some(letter);
        before = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_count_letters_and_swaps() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("listen", "listen", 0),
            ("lsiten", "listen", 1),
            ("lisen", "listen", 1),
            ("listten", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(slips(from, to), expected, "{from} {to}");
            assert_eq!(slips(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["listen", "limits", "database"];
        assert_eq!(nearest("lissen", known), Some("listen"));
        assert_eq!(nearest("limit", known), Some("limits"));
        assert_eq!(nearest("colour", known), None);
    }
}
