use super::*;

#[test]
fn a_code_has_four_groups_of_four_clear_letters() {
    let code = code().unwrap();
    let groups: Vec<&str> = code.expose().split('-').collect();
    assert_eq!(groups.len(), 4);
    for group in groups {
        assert_eq!(group.len(), 4);
        assert!(
            group.bytes().all(|letter| LETTERS.contains(&letter)),
            "{group}"
        );
    }
}

#[test]
fn no_two_tokens_are_the_same_and_none_is_its_hash() {
    let (one, other) = (Token::new().unwrap(), Token::new().unwrap());
    assert_ne!(one.text(), other.text());
    assert_eq!(one.hash(), hash(one.text()));
    assert_eq!(one.text().len(), 43);
}
