//! Addresses of lists: what narrows them, and where their pages begin.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::Error;

/// An address with those parameters that say something.
pub(crate) fn url(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// A place in a list that is ordered by time.
pub(crate) fn write(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{}_{}", at.timestamp_micros(), id.simple())
}

/// Reads what [`write`] has written.
pub(crate) fn read(text: &str) -> Result<(DateTime<Utc>, Uuid), Error> {
    let place = || {
        let (at, id) = text.split_once('_')?;
        Some((
            DateTime::from_timestamp_micros(at.parse().ok()?)?,
            id.parse().ok()?,
        ))
    };
    place().ok_or_else(lost)
}

/// What a page says whose place is none.
pub(crate) fn lost() -> Error {
    Error::Invalid("This is no place in the list: begin again at its first page.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_address() {
        let at: DateTime<Utc> = "2026-03-02T12:00:00.123456Z".parse().unwrap();
        let id = Uuid::now_v7();
        assert_eq!(read(&write(at, id)).unwrap(), (at, id));
        for text in ["", "_", "1", "x_y", "99999999999999999999_0", "1_2_3"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_says_something_is_in_an_address() {
        assert_eq!(url("/t", &[("state", ""), ("q", "")]), "/t");
        assert_eq!(url("/t", &[("q", "a&b c"), ("x", "1")]), "/t?q=a%26b+c&x=1");
    }
}
