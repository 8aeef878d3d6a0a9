use super::*;

const LEAST: &str = r#"{"name": "least", "buckets": [{"id": "a", "limit": 10}], "credentials": [{"id": "c", "bucket": "a"}], "repositories": {"requests": [1, 2]}}"#;

fn refusal(text: &str) -> String {
    format!("{:#}", Scenario::read(text).unwrap_err())
}

#[test]
fn what_is_left_out_has_its_default() {
    let scenario = Scenario::read(LEAST).unwrap();
    let bucket = &scenario.buckets[0];
    assert_eq!(
        (bucket.window_s, bucket.used, bucket.headers),
        (3_600.0, 0, true)
    );
    assert_eq!(
        (
            bucket.secondary.concurrency,
            bucket.secondary.points_per_minute
        ),
        (100, 900)
    );
    assert_eq!(scenario.repositories.parallel, 8);
    assert_eq!(scenario.plans.len(), 1);
    assert_eq!(scenario.count(), 2);
}

#[test]
fn half_of_secondary_leaves_the_other_half_at_its_default() {
    let text = LEAST.replace(
        r#""limit": 10"#,
        r#""limit": 10, "secondary": {"concurrency": 3}"#,
    );
    let secondary = Scenario::read(&text).unwrap().buckets[0].secondary;
    assert_eq!(
        (secondary.concurrency, secondary.points_per_minute),
        (3, 900)
    );
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let text = LEAST.replace(r#""limit": 10"#, r#""limit": 10, "colour": "red""#);
    assert!(
        refusal(&text).contains("unknown field `colour`"),
        "{}",
        refusal(&text)
    );
}

#[test]
fn each_mistake_is_a_sentence() {
    let with =
        |part: &str| LEAST.replace(r#""repositories""#, &format!(r#"{part}, "repositories""#));
    for (text, sentence) in [
        (
            with(r#""events": [{"at_s": 1}]"#),
            "says 0 of secondary, revoke",
        ),
        (
            with(r#""events": [{"at_s": 1, "revoke": "x"}]"#),
            "there is no credential \"x\"",
        ),
        (
            with(r#""events": [{"at_s": 1, "slow": 2}]"#),
            "has no \"for_s\"",
        ),
        (
            with(r#""events": [{"at_s": 1, "restart": true, "why": 1}]"#),
            "\"why\", which means nothing",
        ),
        (
            with(r#""events": [{"at_s": -1, "restart": true}]"#),
            "not negative",
        ),
        (
            with(r#""plans": [{"id": "p", "repositories": [0, 9]}]"#),
            "do not lie within the 2",
        ),
        (
            with(r#""plans": [{"id": "p", "weight": 0}]"#),
            "it is above 0",
        ),
        (
            LEAST.replace(r#""bucket": "a""#, r#""bucket": "b""#),
            "names the bucket \"b\"",
        ),
        (
            LEAST.replace(r#""bucket": "a""#, r#""bucket": "a", "sees": 2"#),
            "it is between 0 and 1",
        ),
        (
            LEAST.replace(r#""bucket": "a""#, r#""bucket": "a", "sees": "all""#),
            "a share between 0 and 1 or a list",
        ),
        (
            LEAST.replace("[1, 2]", r#"{"pareto": {"alpha": 1, "min": 1, "max": 2}}"#),
            "count is missing",
        ),
        (
            LEAST.replace("[1, 2]", r#"[1, 2], "count": 3"#),
            "the list of requests has 2",
        ),
        (
            LEAST.replace("[1, 2]", r#"{"normal": 3}"#),
            "list of whole numbers or",
        ),
    ] {
        assert!(
            refusal(&text).contains(sentence),
            "{}\nwanted: {sentence}",
            refusal(&text)
        );
    }
}

#[test]
fn events_are_played_in_the_order_of_time() {
    let text = LEAST.replace(
        r#""repositories""#,
        r#""events": [{"at_s": 9, "restart": true}, {"at_s": 3, "secondary": "a", "retry_after_s": null}], "repositories""#,
    );
    let at: Vec<f64> = Scenario::read(&text)
        .unwrap()
        .events
        .iter()
        .map(|event| event.at_s)
        .collect();
    assert_eq!(at, [3.0, 9.0]);
}
