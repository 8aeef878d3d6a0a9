use super::*;

fn sample() -> Manifest {
    let digest = digest::of_bytes(b"x\n");
    Manifest {
        format: FORMAT,
        host: "github.com".into(),
        forge_id: 7,
        full_name: "acme/tools".into(),
        default_branch: Some("main".into()),
        git: Some(References::of([("refs/heads/main", "ab")])),
        wiki: None,
        metadata: BTreeMap::from([(
            Kind::Labels,
            Records {
                path: "metadata/labels.ndjson".into(),
                count: 1,
                digest: digest.clone(),
            },
        )]),
        lfs: BTreeMap::from([("lfs/aa/bb/aabb".into(), digest)]),
        assets: BTreeMap::new(),
        coverage: BTreeMap::from([(
            Kind::Git,
            Coverage {
                state: State::Complete,
                count: 1,
            },
        )]),
        omissions: Vec::new(),
    }
}

#[test]
fn it_survives_its_bytes() {
    let manifest = sample();
    let bytes = manifest.to_bytes().unwrap();
    assert_eq!(Manifest::parse(&bytes).unwrap(), manifest);
    assert_eq!(Manifest::parse(&bytes).unwrap().to_bytes().unwrap(), bytes);
}

#[test]
fn a_later_format_is_refused_with_a_sentence() {
    let refused = Manifest::parse(br#"{"format": 3, "anything": true}"#).unwrap_err();
    assert!(refused.to_string().contains("format 3"), "{refused}");
    assert!(Manifest::parse(b"{").is_err());
}

#[test]
fn it_knows_what_belongs_to_the_snapshot() {
    let manifest = sample();
    for path in [
        "manifest.json",
        "git/HEAD",
        "metadata/labels.ndjson",
        "lfs/aa/bb/aabb",
    ] {
        assert!(manifest.holds(path), "{path}");
    }
    for path in ["wiki/HEAD", "gitlab/HEAD", "metadata/issues.ndjson"] {
        assert!(!manifest.holds(path), "{path}");
    }
}

#[test]
fn what_was_not_asked_for_is_said_in_a_format_of_its_own() {
    let mut manifest = sample();
    manifest.format = FORMAT_WHOLE;
    manifest.leave_out(Kind::Wiki);
    let bytes = manifest.to_bytes().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(r#""state": "not_asked""#), "{text}");
    let read = Manifest::parse(&bytes).unwrap();
    assert_eq!(read.format, FORMAT_IN_PART);
    assert_eq!(read.coverage[&Kind::Wiki].state, State::NotAsked);
}
