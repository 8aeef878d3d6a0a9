//! GraphQL answers: refusals hide in status 200, and a part of the data is no success.

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::limits::{Judgement, Span, headers};

#[derive(Debug, Default, Deserialize)]
struct Body {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
struct Failure {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
    #[serde(default)]
    saml_failure: bool,
}

/// What the query cost, if it asked for `rateLimit { cost }`.
pub(crate) fn cost(body: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        rate_limit: Option<Limit>,
    }
    #[derive(Deserialize)]
    struct Limit {
        cost: u32,
    }
    #[derive(Deserialize)]
    struct Whole {
        data: Option<Data>,
    }
    let whole: Whole = serde_json::from_slice(body).ok()?;
    Some(whole.data?.rate_limit?.cost)
}

/// Judges an answer of status 200.
pub(super) fn judge(headers: &HeaderMap, body: &[u8], span: Span) -> Judgement {
    let body: Body = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) if error.is_eof() => {
            return Judgement::Cut {
                detail: "The answer to a GraphQL query ends too early.".to_owned(),
            };
        }
        Err(error) => {
            return Judgement::Strange {
                detail: format!("The answer to a GraphQL query is not understood: {error}."),
            };
        }
    };
    // A limit or a missing right explains the other errors of the same answer: the gravest first.
    let judgements = body
        .errors
        .iter()
        .map(|failure| weigh(failure, headers, span));
    match judgements.min_by_key(|(rank, _)| *rank) {
        Some((_, judgement)) => judgement,
        None if body.data.is_some() => Judgement::Fine,
        None => Judgement::Strange {
            detail: "The answer to a GraphQL query holds neither data nor errors: this address is not a GitHub API.".to_owned(),
        },
    }
}

fn weigh(failure: &Failure, headers: &HeaderMap, span: Span) -> (u8, Judgement) {
    let lower = failure.message.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|words| lower.contains(words));
    let message = failure.message.trim_end_matches('.');
    let detail = format!("The host's GraphQL API answered: {message}.");
    let code = failure.extensions.code.as_str();
    match failure.kind.as_str() {
        _ if says(&["secondary rate", "abuse detection"]) => {
            let retry_after = headers::retry_after(headers, span);
            let reason = message.to_owned();
            (
                0,
                Judgement::SlowDown {
                    retry_after,
                    reason,
                },
            )
        }
        "RATE_LIMITED" | "RATE_LIMIT" => (1, spent(headers, span)),
        _ if failure.code == "graphql_rate_limit" => (1, spent(headers, span)),
        "FORBIDDEN" | "INSUFFICIENT_SCOPES" | "UNAUTHORIZED" => (2, Judgement::Denied { detail }),
        _ if failure.extensions.saml_failure => (2, Judgement::Denied { detail }),
        "NOT_FOUND" => (3, Judgement::Missing { detail }),
        _ if says(&["could not resolve to a"]) => (3, Judgement::Missing { detail }),
        "RESOURCE_LIMITS_EXCEEDED" | "MAX_NODE_LIMIT_EXCEEDED" | "TIMEOUT" => {
            (5, Judgement::TooHeavy { detail })
        }
        _ if says(&[
            "something went wrong while executing",
            "timeout",
            "timed out",
        ]) =>
        {
            (5, Judgement::TooHeavy { detail })
        }
        "SERVICE_UNAVAILABLE" | "INTERNAL" => (6, Judgement::Failed { detail }),
        _ if is_unknown_field(code)
            || says(&["doesn't exist on type", "doesn't accept argument"]) =>
        {
            (
                4,
                Judgement::Strange {
                    detail: format!(
                        "This host's GraphQL API lacks something that Holdfast asks for ({message}): the host's software is too old."
                    ),
                },
            )
        }
        _ => (7, Judgement::Strange { detail }),
    }
}

fn is_unknown_field(code: &str) -> bool {
    matches!(
        code,
        "undefinedField" | "argumentNotAccepted" | "undefinedType"
    )
}

fn spent(headers: &HeaderMap, span: Span) -> Judgement {
    let reading = headers::reading(headers, span);
    Judgement::Spent {
        until: reading.map(|(_, reading)| reading.reset_at),
    }
}
