//! What an entry of the audit log says of before and after, field by field.

use std::collections::BTreeSet;

use serde_json::Value;

/// Characters of a value that are shown; the export has all of them.
const SHOWN: usize = 200;

/// A field that has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) field: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// The fields in which two values differ.
pub(super) fn between(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let (old, new) = (fields(before), fields(after));
    let names: BTreeSet<&str> = [old, new]
        .into_iter()
        .flatten()
        .flat_map(|fields| fields.keys().map(String::as_str))
        .collect();
    names
        .into_iter()
        .filter_map(|name| {
            let of = |fields: Option<&serde_json::Map<String, Value>>| {
                fields.and_then(|fields| fields.get(name)).and_then(written)
            };
            let (before, after) = (of(old), of(new));
            (before != after).then(|| Change {
                field: name.replace('_', " "),
                before,
                after,
            })
        })
        .collect()
}

fn fields(value: Option<&Value>) -> Option<&serde_json::Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn written(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    Some(if text.chars().count() > SHOWN {
        let mut short: String = text.chars().take(SHOWN).collect();
        short.push('…');
        short
    } else {
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(field: &str, before: Option<&str>, after: Option<&str>) -> Change {
        Change {
            field: field.to_owned(),
            before: before.map(ToOwned::to_owned),
            after: after.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({ "name": "nightly", "reserve_percent": 10, "paused": false });
        let after = json!({ "name": "nightly", "reserve_percent": 20, "paused": true });
        assert_eq!(
            between(Some(&before), Some(&after)),
            [
                change("paused", Some("no"), Some("yes")),
                change("reserve percent", Some("10"), Some("20")),
            ]
        );
    }

    #[test]
    fn what_is_new_has_no_before_and_what_went_no_after() {
        let value = json!({ "email": "ada@example.com", "note": null });
        let email = Some("ada@example.com");
        assert_eq!(between(None, Some(&value)), [change("email", None, email)]);
        assert_eq!(between(Some(&value), None), [change("email", email, None)]);
        assert_eq!(between(None, None), []);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let value = json!({ "text": "ä".repeat(300) });
        let changes = between(None, Some(&value));
        let shown = changes[0].after.as_deref().unwrap();
        assert_eq!(shown.chars().count(), SHOWN + 1);
    }
}
