use super::*;

fn bucket(endpoint: Option<&str>, prefix: &str) -> Place {
    Place::S3 {
        endpoint: endpoint.map(str::to_owned),
        region: "eu-central-1".to_owned(),
        bucket: "backups".to_owned(),
        prefix: prefix.to_owned(),
        access_key_id: "AKIA".to_owned(),
        allow_http: false,
    }
}

#[test]
fn restic_finds_what_lies_below() {
    let local = Place::Local {
        path: "/srv/backups".into(),
    };
    for (place, below, address) in [
        (&local, "", "/srv/backups"),
        (&local, "acme", "/srv/backups/acme"),
        (
            &bucket(None, ""),
            "acme",
            "s3:https://s3.eu-central-1.amazonaws.com/backups/acme",
        ),
        (
            &bucket(Some("https://s3.example.com"), "a/b"),
            "acme",
            "s3:https://s3.example.com/backups/a/b/acme",
        ),
    ] {
        assert_eq!(place.restic_address(below), address);
    }
}

#[test]
fn plain_http_needs_leave() {
    let allowed = ["minio.internal".to_owned()];
    for (text, found) in [
        ("", None),
        ("https://s3.example.com/", Some("https://s3.example.com")),
        (
            "http://minio.internal:9000",
            Some("http://minio.internal:9000"),
        ),
    ] {
        assert_eq!(parse_endpoint(text, &allowed).unwrap().as_deref(), found);
    }
    for bad in [
        "http://169.254.169.254",
        "http://127.0.0.1:9000",
        "https://user:word@s3.example.com",
        "https://s3.example.com/path",
        "file:///etc",
        "s3.example.com",
        "https://",
    ] {
        assert!(parse_endpoint(bad, &allowed).is_err(), "{bad}");
    }
}

#[test]
fn parts_of_an_address_cannot_become_other_parts() {
    assert_eq!(parse_prefix("/a/b-1/").unwrap(), "a/b-1");
    for bad in ["a//b", "../a", "a b", "a?b", "a\nb", &"a/".repeat(400)] {
        assert!(parse_prefix(bad).is_err(), "{bad}");
    }
    for bad in ["ab", "-abc", "a..b", "a/b", "<b>", &"a".repeat(64)] {
        assert!(parse_bucket(bad).is_err(), "{bad}");
    }
    assert!(parse_bucket("Acme_backups.eu").is_ok());
    assert!(parse_region("eu-central-1").is_ok());
    assert!(parse_region("eu central").is_err());
}

#[test]
fn rows_of_earlier_versions_are_understood() {
    let stored = r#"{"kind":"local","path":"/srv/backups"}"#;
    let place: Place = serde_json::from_str(stored).unwrap();
    assert_eq!(place.kind(), "local");
}
