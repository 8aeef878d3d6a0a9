use super::*;

fn target(path: &str) -> Target<'_> {
    Target {
        method: "GET",
        path,
        login: Some("ann"),
    }
}

#[test]
fn stars_stand_for_any_characters() {
    for (pattern, path, fits) in [
        ("/graphql", "/graphql", true),
        ("/graphql", "/graphql/x", false),
        ("/repos/acme/*/issues", "/repos/acme/one/issues", true),
        ("/repos/acme/*/issues", "/repos/acme/one/issues/1", false),
        ("/acme/*.git/*", "/acme/one.git/git-upload-pack", true),
        ("*", "/anything", true),
        ("/repos/*/two/*", "/repos/acme/one/two", false),
    ] {
        assert_eq!(glob(pattern, path), fits, "{pattern} {path}");
    }
}

#[test]
fn a_fault_waits_then_hits_and_then_is_over() {
    let mut book = FaultBook::new(1);
    book.order(Fault::new("/x", Effect::BadCredentials).after(1).times(2));
    let struck = (0..5)
        .map(|_| book.strike(&target("/x")).is_some())
        .collect::<Vec<_>>();
    assert_eq!(struck, [false, true, true, false, false]);
}

#[test]
fn a_fault_of_one_user_leaves_the_others_alone() {
    let mut book = FaultBook::new(1);
    book.order(Fault::new("*", Effect::BadCredentials).of("ben"));
    assert!(book.strike(&target("/x")).is_none());
    book.order(Fault::new("*", Effect::BadCredentials).of("ann"));
    assert!(book.strike(&target("/x")).is_some());
}

#[test]
fn faults_are_readable_from_json() {
    let json = r#"{"path": "/repos/*", "count": 1, "effect": {"kind": "secondary_limit", "retry_after": 60}}"#;
    let fault: Fault = serde_json::from_str(json).unwrap();
    assert!(matches!(
        fault.effect,
        Effect::SecondaryLimit {
            status: 403,
            retry_after: Some(60)
        }
    ));
}
