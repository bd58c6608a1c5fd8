//! The fields of a form that was sent with GET.
//!
//! Invariant: what a reader typed into an address is bounded before anything looks at it. What
//! is not understood is left alone: a page with an odd address is still a page.

use crate::relay::percent_decoded;

const FIELDS_MAX: usize = 40;
const VALUE_CHARS_MAX: usize = 120;

#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn read(text: &str) -> Self {
        let decoded = |part: &str| -> String {
            let text = percent_decoded(&part.replace('+', " "));
            let cut: String = text.trim().chars().take(VALUE_CHARS_MAX).collect();
            // Where it was cut may be after a space, and its address would mean another value.
            cut.trim_end().to_owned()
        };
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let fields = pairs.map(|(name, value)| (decoded(name), decoded(value)));
        let given = fields.filter(|(_, value)| !value.is_empty());
        Self(given.take(FIELDS_MAX).collect())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(field, _)| field == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str, most: u64) -> Option<u64> {
        let number = self.text(name)?.parse::<u64>().ok()?;
        Some(number.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn a_value_that_is_cut_reads_again_as_itself() {
        let long = format!("q={}+and+more", "x".repeat(super::VALUE_CHARS_MAX - 1));
        let cut = Query::read(&long).text("q").unwrap().to_owned();
        assert_eq!(cut, "x".repeat(super::VALUE_CHARS_MAX - 1));
    }

    #[test]
    fn fields_are_read_as_forms_send_them() {
        let query =
            Query::read("q=fill+in%20&m=a%2Fb&m=c&empty=&n=12&odd&big=99999999999999999999");
        assert_eq!(query.text("q"), Some("fill in"));
        assert_eq!(query.all("m").collect::<Vec<_>>(), ["a/b", "c"]);
        assert_eq!((query.text("empty"), query.text("odd")), (None, None));
        assert_eq!(
            (query.number("n", 100), query.number("n", 10)),
            (Some(12), Some(10))
        );
        assert_eq!(query.number("big", 9), None);
        let long = format!("q={}", "a".repeat(9_999));
        assert_eq!(Query::read(&long).text("q").map(str::len), Some(120));
    }
}
