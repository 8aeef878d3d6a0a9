//! GitHub's answers. Pure; every sentence that GitHub is known to say is a row of the table in the tests.

pub(crate) mod graphql;
mod refusal;
#[cfg(test)]
mod tests;

use http::{StatusCode, header};

use super::{Answer, Dialect, Judgement, Span, headers};

/// Judges an answer.
pub(crate) fn judge(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return match headers::text(answer.headers, header::LOCATION.as_str()) {
            Some(location) => Judgement::Moved {
                location: location.to_owned(),
            },
            None => Judgement::Strange {
                detail: format!("The host answered {status} without saying where to go."),
            },
        };
    }
    if !status.is_success() && status != StatusCode::NOT_MODIFIED {
        return refusal::judge(answer, span);
    }
    if matches!(answer.dialect, Dialect::Storage | Dialect::Git) {
        return Judgement::Fine;
    }
    if headers::is_html(answer.headers) {
        return Judgement::Strange {
            detail: "The host answered a web page where JSON was expected: this address is not a GitHub API.".to_owned(),
        };
    }
    if let Some(organizations) = headers::sso_partial(answer.headers) {
        return Judgement::Denied {
            detail: format!(
                "The list is incomplete: the token is not authorized for single sign-on of the organizations {organizations}. Authorize it in the token settings of its user."
            ),
        };
    }
    match answer.dialect {
        Dialect::GraphQl => graphql::judge(answer.headers, answer.body, span),
        Dialect::Rest | Dialect::Lfs | Dialect::Git | Dialect::Storage => Judgement::Fine,
    }
}
