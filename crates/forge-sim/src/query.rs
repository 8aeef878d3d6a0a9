//! Query strings and percent-encoded path segments.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

/// A parsed query string; of repeated keys the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    raw: String,
    pairs: BTreeMap<String, String>,
}

impl Query {
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let raw = raw.unwrap_or_default();
        Self {
            raw: raw.to_owned(),
            pairs: url::form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    /// The fields of a JSON object, as if they were a form's.
    pub(crate) fn from_json(body: &[u8]) -> Self {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(body).unwrap_or_default();
        Self {
            raw: String::new(),
            pairs: object
                .into_iter()
                .filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())))
                .collect(),
        }
    }

    /// Every value of a key that may be repeated.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = String> {
        url::form_urlencoded::parse(self.raw.as_bytes())
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.pairs.get(key).map(String::as_str)
    }

    /// Whether a switch is on, in any of the spellings that GitLab's API understands.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        let word = self.text(key).unwrap_or_default().to_ascii_lowercase();
        matches!(word.as_str(), "1" | "on" | "t" | "true" | "y" | "yes")
    }

    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        self.text(key).and_then(|value| value.parse().ok())
    }

    pub(crate) fn time(&self, key: &str) -> Option<DateTime<Utc>> {
        let value = self.text(key)?;
        DateTime::parse_from_rfc3339(value)
            .ok()
            .map(|at| at.to_utc())
    }

    /// The query string as it came, without one name.
    pub(crate) fn without(&self, key: &str) -> String {
        let kept = self
            .raw
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(key));
        kept.collect::<Vec<_>>().join("&")
    }

    /// The query string as it came, with other values for paging.
    pub(crate) fn with_page(&self, key: &str, value: &str) -> String {
        let kept = self.raw.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && !["page", "after", "before", "cursor"].contains(&name)
        });
        let mut query = String::new();
        for pair in kept {
            query.push_str(pair);
            query.push('&');
        }
        query.push_str(key);
        query.push('=');
        query.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        query
    }
}

/// Undoes percent encoding; a stray percent sign stays as it is.
pub(crate) fn decode(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let escape = (*byte == b'%')
            .then(|| bytes.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(*byte));
        index += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paging_keeps_the_rest_of_the_query() {
        let query = Query::parse(Some("state=all&page=2&per_page=100"));
        assert_eq!(
            query.with_page("page", "3"),
            "state=all&per_page=100&page=3"
        );
        assert_eq!(Query::default().with_page("after", "a="), "after=a%3D");
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(decode("good%20first%2Fissue"), "good first/issue");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz"), "%zz");
    }
}
