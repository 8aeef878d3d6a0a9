use super::*;

#[test]
fn numbers_have_separators() {
    assert_eq!(number(0), "0");
    assert_eq!(number(999), "999");
    assert_eq!(number(29_357), "29,357");
    assert_eq!(number(-1_234_567), "-1,234,567");
    assert_eq!(count(1, "repository", "repositories"), "1 repository");
    assert_eq!(
        count(1_204, "repository", "repositories"),
        "1,204 repositories"
    );
}

#[test]
fn a_length_shows_its_two_largest_parts() {
    for (seconds, text) in [
        (0, "0 s"),
        (59, "59 s"),
        (131, "2 min 11 s"),
        (7_320, "2 h 02 min"),
        (90_000, "1 d 1 h"),
        (-5, "0 s"),
    ] {
        assert_eq!(duration(TimeDelta::seconds(seconds)), text);
    }
}

#[test]
fn a_moment_is_near_or_has_its_date() {
    let now = "2026-11-20T13:24:00Z".parse().unwrap();
    for (moment, text) in [
        ("2026-11-20T00:05:00Z", "Today 00:05"),
        ("2026-11-19T23:59:00Z", "Yesterday 23:59"),
        ("2026-11-21T08:00:00Z", "Tomorrow 08:00"),
        ("2026-02-03T08:00:00Z", "3 Feb 08:00"),
        ("2025-12-31T08:00:00Z", "31 Dec 2025 08:00"),
    ] {
        let shown = at(moment.parse().unwrap(), now).to_string();
        assert!(shown.contains(&format!(">{text}<")), "{shown}");
        assert!(shown.contains(&format!("datetime=\"{moment}\"")), "{shown}");
    }
}

#[test]
fn initials_are_of_the_first_and_the_last_word() {
    for (name, text) in [
        ("Acme Platform", "AP"),
        ("acme", "AC"),
        ("a-b.c", "AC"),
        ("", "?"),
        ("é", "É"),
    ] {
        assert_eq!(initials(name), text);
    }
}

#[test]
fn a_browser_is_called_by_its_own_name() {
    for (agent, text) in [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36",
            "Chrome on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ] {
        assert_eq!(browser(agent), text);
    }
}
