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
            .map(|name| format!("aa refs/heads/{name}\n"))
            .collect();
        References::of_lines(&lines.concat())
    };
    assert_eq!(likely_head(&of(&["a", "master"])), Some("master"));
    assert_eq!(likely_head(&of(&["main", "master"])), Some("main"));
    assert_eq!(likely_head(&of(&["b", "c"])), Some("b"));
    assert_eq!(likely_head(&of(&[])), None);
}

#[test]
fn a_reference_that_git_leaves_out_is_noticed() {
    let words = "rejected refs/heads/main because shallow roots are not allowed to be updated";
    let stderr = format!("remote: Total 2 (delta 0)        \rwarning: {words}\n");
    assert_eq!(left_out(&stderr), Some(words));
    assert_eq!(left_out("warning: redirecting to elsewhere\n"), None);
}
