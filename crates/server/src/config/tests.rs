use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, Error> {
    Config::read(|name| {
        Ok(variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned()))
    })
}

#[test]
fn everything_has_a_default_but_the_database() {
    let config = read(&[("HOLDFAST_DATA", "")]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        config.master_key_file().unwrap(),
        Path::new("holdfast-data/master.key")
    );
    let missing = config.database_url().unwrap_err();
    assert!(missing.to_string().contains("DATABASE_URL"), "{missing}");
}

#[test]
fn nothing_secret_is_shown() {
    let config = read(&[
        (
            "DATABASE_URL",
            "postgres://app:pa55word@db.test/holdfast?sslpassword=pa55word&sslmode=require",
        ),
        ("HOLDFAST_MASTER_KEY", "pa55word"),
    ])
    .unwrap();
    let shown = format!("{config} {config:?}");
    assert!(!shown.contains("pa55word"), "{shown}");
    assert!(
        shown.contains("db.test/holdfast?sslmode=require"),
        "{shown}"
    );
}

#[test]
fn a_wrong_value_is_a_sentence_that_names_the_variable() {
    for (name, value) in [
        ("HOLDFAST_LISTEN", "8080"),
        ("HOLDFAST_CONCURRENCY", "0"),
        ("HOLDFAST_CONCURRENCY", "many"),
    ] {
        let refused = read(&[(name, value)]).unwrap_err().to_string();
        assert!(refused.starts_with(name), "{refused}");
    }
}

#[test]
fn hosts_are_listed_with_commas() {
    let config = read(&[("HOLDFAST_ALLOW_HTTP", "git.test, sim ,")]).unwrap();
    assert_eq!(config.http_allowed, ["git.test", "sim"]);
}

#[test]
fn storages_lie_in_the_data_folder_unless_told_otherwise() {
    let roots = |said: &str| {
        read(&[
            ("HOLDFAST_DATA", "/srv/holdfast"),
            ("HOLDFAST_STORAGE_ROOTS", said),
        ])
        .unwrap()
        .storage_roots
    };
    assert_eq!(roots(""), [Path::new("/srv/holdfast/storages")]);
    assert_eq!(roots("/a, /b"), [Path::new("/a"), Path::new("/b")]);
    assert_eq!(roots("none"), Vec::<PathBuf>::new());
}
