use super::*;

fn repository(name: &str) -> Traits {
    Traits {
        name: name.parse().unwrap(),
        topics: vec!["backup".to_owned(), "Rust".to_owned()],
        archived: false,
        fork: false,
        private: true,
    }
}

fn names(include: &str, exclude: &str) -> Selection {
    Selection::Rules(Box::new(Rules {
        names: Terms {
            include: Terms::words(include).unwrap(),
            exclude: Terms::words(exclude).unwrap(),
        },
        ..Rules::default()
    }))
}

#[test]
fn a_pattern_with_a_slash_sees_the_owner_too() {
    for (include, exclude, name, fits) in [
        ("tool-*", "", "acme/tool-one", true),
        ("TOOL-*", "", "acme/Tool-one", true),
        ("tool-*", "", "tool-works/site", false),
        ("acme/*", "", "acme/site", true),
        ("acme/*", "", "acme-labs/site", false),
        ("acme/*", "*-old", "acme/site-old", false),
        ("", "*-old", "acme/site", true),
        ("{web,api}-?", "", "acme/api-2", true),
        ("web\napi, site", "", "acme/site", true),
        ("", "", "acme/site", true),
    ] {
        assert_eq!(
            names(include, exclude).includes(&repository(name)),
            fits,
            "{include:?} {exclude:?} {name}"
        );
    }
}

#[test]
fn every_part_of_the_rules_must_let_a_repository_pass() {
    let rules = Rules {
        topics: Terms {
            include: Terms::words("rust, go").unwrap(),
            exclude: Vec::new(),
        },
        archived: Stance::Without,
        private: Stance::Only,
        ..Rules::default()
    };
    let fits = |change: fn(&mut Traits)| {
        let mut traits = repository("acme/site");
        change(&mut traits);
        rules.fit(&traits)
    };
    assert!(fits(|_| {}));
    assert!(fits(|one| one.fork = true));
    assert!(!fits(|one| one.archived = true));
    assert!(!fits(|one| one.private = false));
    assert!(!fits(|one| one.topics.clear()));
}

#[test]
fn rows_of_earlier_versions_are_understood() {
    for (stored, meant) in [
        (r#"{"select":"all"}"#, Selection::All),
        (
            r#"{"select":"chosen","repositories":["acme/site"]}"#,
            Selection::Chosen(vec!["acme/site".parse().unwrap()]),
        ),
    ] {
        assert_eq!(serde_json::from_str::<Selection>(stored).unwrap(), meant);
    }
}

#[test]
fn rules_survive_the_database() {
    let rules = names("acme/*", "*-old");
    let stored = serde_json::to_string(&rules).unwrap();
    assert_eq!(
        stored,
        r#"{"select":"rules","repositories":{"names":{"include":["acme/*"],"exclude":["*-old"]}}}"#
    );
    assert_eq!(serde_json::from_str::<Selection>(&stored).unwrap(), rules);
}

#[test]
fn rules_say_what_they_mean_in_one_line() {
    assert_eq!(
        names("acme/*, web-*", "*-old").summary(),
        "Repositories that fit: named acme/*, web-*, but not *-old"
    );
    let rules = Rules {
        archived: Stance::Without,
        private: Stance::Without,
        ..Rules::default()
    };
    assert_eq!(
        rules.summary(),
        "Repositories that fit: not archived; public"
    );
    assert_eq!(Rules::default().summary(), "All repositories");
}

#[test]
fn a_pattern_that_cannot_work_is_refused_with_a_sentence() {
    for (bad, word) in [
        ("a/b/c", "owner/name-*"),
        ("[a", "not a pattern"),
        ("{a", "not a pattern"),
        (&"x".repeat(10_000), "1 to 200 characters"),
    ] {
        let refused = bad.parse::<Pattern>().unwrap_err().0;
        assert!(refused.contains(word), "{refused}");
        assert!(refused.len() < 300, "{refused}");
    }
    assert!("<b>".parse::<Topic>().is_err());
    assert!(Terms::<Topic>::words(&"a ".repeat(101)).is_err());
}

#[test]
fn chosen_names_are_compared_without_regard_to_case() {
    let chosen = Selection::Chosen(vec!["Acme/Site".parse().unwrap()]);
    assert!(chosen.includes(&repository("acme/site")));
    assert!(!chosen.includes(&repository("acme/site-two")));
}
