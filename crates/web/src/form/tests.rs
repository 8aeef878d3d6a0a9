use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Input {
    name: String,
    note: Option<String>,
    #[serde(default)]
    uses: Vec<String>,
}

fn read(query: &str) -> Result<Input, Error> {
    understand(
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
    )
}

#[test]
fn a_field_is_a_word_a_list_or_absent() {
    let input = read("name=a&name=b&uses=1&uses=2&unknown=x").unwrap();
    assert_eq!(input.name, "b");
    assert_eq!(input.note, None);
    assert_eq!(input.uses, ["1", "2"]);
    assert_eq!(read("name=&note=").unwrap().note.as_deref(), Some(""));
}

#[test]
fn what_is_missing_is_named() {
    let error = read("note=x").unwrap_err();
    assert!(error.to_string().contains("name"), "{error}");
}
