use super::*;

#[test]
fn progress_is_read_from_gits_words() {
    assert_eq!(
        objects_in("Receiving objects:   1% (1/99)\rReceiving objects:  45% (45/99)"),
        Some((45, 99))
    );
    assert_eq!(
        objects_in("Receiving objects: 100% (99/99), 1.20 MiB | 3.00 MiB/s"),
        Some((99, 99))
    );
    assert_eq!(objects_in("remote: Counting objects: 50% (1/2)"), None);
}

#[test]
fn a_wiki_checks_out_what_it_was_born_with() {
    let of = |names: &[&str]| {
        let lines: Vec<String> = names
            .iter()
            .map(|name| {
                format!(
                    "aa	refs/heads/{name}
"
                )
            })
            .collect();
        References::of_host(lines.concat().as_bytes())
    };
    assert_eq!(likely_head(&of(&["a", "master"])), Some("master"));
    assert_eq!(likely_head(&of(&["main", "master"])), Some("main"));
    assert_eq!(likely_head(&of(&["b", "c"])), Some("b"));
    assert_eq!(likely_head(&of(&[])), None);
}
