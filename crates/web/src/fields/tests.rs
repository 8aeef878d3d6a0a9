use domain::Name;

use super::*;

fn fields(query: &str) -> Fields {
    Fields::from_pairs(url::form_urlencoded::parse(query.as_bytes()))
}

#[test]
fn a_mistake_stands_beside_its_field_and_the_value_stays() {
    let mut fields = fields("name=a+b&days=0");
    assert_eq!(fields.parse::<Name>("name"), None);
    assert_eq!(fields.number("days", 1..=30), None);
    assert!(!fields.is_ok());
    assert_eq!(fields.value("name"), "a b");
    assert!(fields.error("name").unwrap().contains("cannot be a name"));
    assert_eq!(fields.error("days"), Some("Write a number from 1 to 30."));
    assert_eq!(fields.error("other"), None);
}

#[test]
fn a_secret_is_read_but_never_shown() {
    for name in SECRETS {
        let fields = fields(&format!("{name}=hunter2"));
        assert_eq!(fields.raw(name), "hunter2");
        assert_eq!(fields.value(name), "");
    }
}

#[test]
fn what_no_field_holds_is_a_mistake_and_does_not_reach_the_database() {
    let fields = fields(&format!("name=a%00b%07&long={}", "x".repeat(LONGEST + 1)));
    assert!(fields.error("name").unwrap().contains("cannot be seen"));
    assert_eq!(fields.text("name"), "ab");
    assert!(fields.error("long").unwrap().contains("too long"));
}

#[test]
fn several_ticks_have_one_name() {
    let fields = fields("use=a&use=b&on=");
    assert_eq!(fields.all("use"), ["a", "b"]);
    assert!(fields.has("use", "a") && !fields.has("use", "c"));
    assert!(fields.is_on("use") && !fields.is_on("on") && !fields.is_on("off"));
}

#[test]
fn the_first_word_about_a_field_counts() {
    let mut fields = Fields::new().with("name", 7).with_all("use", [1, 2]);
    fields.fail("name", "One.");
    fields.fail("name", "Two.");
    assert_eq!(fields.faults(), [("name".to_owned(), "One.".to_owned())]);
    assert_eq!((fields.value("name"), fields.all("use").len()), ("7", 2));
}
