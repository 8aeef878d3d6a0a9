use super::*;

fn answered(body: &serde_json::Value) -> Heard {
    heard(200, "")
        .left(100)
        .saying(body)
        .in_dialect(Dialect::GraphQl)
}

fn failed(error: &serde_json::Value) -> Heard {
    answered(&json!({ "data": { "repository": null }, "errors": [error] }))
}

#[test]
fn refusals_hide_in_status_200() {
    let table = [
        (
            failed(
                &json!({ "type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1." }),
            ),
            "Spent",
        ),
        (
            failed(
                &json!({ "type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": "API rate limit already exceeded for user ID 1." }),
            ),
            "Spent",
        ),
        (failed(&json!({ "message": SECONDARY })), "SlowDown"),
        (
            failed(
                &json!({ "type": "FORBIDDEN", "message": "`o` forbids access via a personal access token (classic)." }),
            ),
            "Denied",
        ),
        (
            failed(
                &json!({ "message": "Resource protected", "extensions": { "saml_failure": true } }),
            ),
            "Denied",
        ),
        (
            failed(
                &json!({ "type": "NOT_FOUND", "message": "Could not resolve to a Repository with the name 'x/y'." }),
            ),
            "Missing",
        ),
        (
            failed(
                &json!({ "message": "Something went wrong while executing your query. This may be the result of a timeout." }),
            ),
            "TooHeavy",
        ),
        (
            failed(
                &json!({ "type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded." }),
            ),
            "TooHeavy",
        ),
        (
            failed(&json!({ "type": "MAX_NODE_LIMIT_EXCEEDED", "message": "…" })),
            "TooHeavy",
        ),
        (
            failed(&json!({ "type": "SERVICE_UNAVAILABLE", "message": "…" })),
            "Failed",
        ),
        (
            failed(
                &json!({ "message": "Field 'webCommitSignoffRequired' doesn't exist on type 'Repository'", "extensions": { "code": "undefinedField" } }),
            ),
            "Strange",
        ),
        (
            answered(&json!({ "data": { "viewer": { "login": "x" } } })),
            "Fine",
        ),
        (answered(&json!({ "data": null })), "Strange"),
        (answered(&json!([])), "Strange"),
    ];
    for (heard, expected) in table {
        assert_eq!(
            heard.kind(),
            expected,
            "{}",
            String::from_utf8_lossy(&heard.body)
        );
    }
}

#[test]
fn an_old_host_is_named_as_the_reason() {
    let error = failed(
        &json!({ "message": "Field 'x' doesn't exist on type 'Repository'", "extensions": { "code": "undefinedField" } }),
    );
    let error = error.judged().into_error(now()).unwrap();
    assert!(error.to_string().contains("too old"), "{error}");
}

#[test]
fn a_limit_explains_the_other_errors_of_an_answer() {
    let both = answered(&json!({ "errors": [
        { "type": "NOT_FOUND", "message": "Could not resolve to a node" },
        { "type": "RATE_LIMITED", "message": "API rate limit exceeded" },
    ] }));
    assert_eq!(both.kind(), "Spent");
}

#[test]
fn a_cut_answer_is_not_strange_but_cut() {
    let mut cut = answered(&json!({ "data": { "viewer": { "login": "x" } } }));
    cut.body.truncate(20);
    assert_eq!(cut.kind(), "Cut");
}

#[test]
fn the_cost_is_what_the_host_counted() {
    let body = json!({ "data": { "rateLimit": { "cost": 7 }, "repository": null } }).to_string();
    assert_eq!(super::super::graphql::cost(body.as_bytes()), Some(7));
    assert_eq!(super::super::graphql::cost(b"{}"), None);
}
