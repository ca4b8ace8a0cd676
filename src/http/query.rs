//! The query of a request as names and values.
//!
//! Owns the reading of `application/x-www-form-urlencoded` (WHATWG URL, 5.1): `&` between pairs, `+` for a
//! blank, percent escapes. The request's head keeps the query as it came; this is a copy of it.

use std::borrow::Cow;

/// A request's query. It never fails: bytes that are no UTF-8 are replaced, an escape that is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Box<str>);

impl Query {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The query as it came, without the question mark.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first value of `name`, decoded; empty where a name stands alone.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.pairs()
            .find_map(|(other, value)| (other == name).then_some(value))
    }

    /// All pairs, decoded, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn names_and_values_are_decoded() {
        let query = Query::new("a=1&b=x+y%26z&a=2&alone&=nameless&%C3%A4=%zz&bad=%FF");
        assert_eq!(query.get("a").as_deref(), Some("1"));
        assert_eq!(query.get("b").as_deref(), Some("x y&z"));
        assert_eq!(query.get("alone").as_deref(), Some(""));
        assert_eq!(query.get("").as_deref(), Some("nameless"));
        assert_eq!(query.get("\u{e4}").as_deref(), Some("%zz"));
        assert_eq!(query.get("bad").as_deref(), Some("\u{fffd}"));
        assert_eq!(query.get("none"), None);
        let values = query.pairs().filter(|(name, _)| name == "a");
        assert_eq!(
            values.map(|(_, value)| value).collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert!(query.as_str().starts_with("a=1&b=x+y%26z"));
        assert_eq!(Query::default().pairs().count(), 0);
    }
}
