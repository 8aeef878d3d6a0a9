//! The pages for what went wrong: drawn last, when it is known who is looking.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::extract::{Frame, Hx};
use crate::page::{Page, Tab};

/// A response that has no page yet.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) sentence: String,
    pub(crate) incident: Option<String>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    page: Page,
    failure: Failure,
}

impl FailurePage {
    fn is(&self, status: u16) -> bool {
        self.failure.status.as_u16() == status
    }
}

/// Gives every failure its page; what htmx asked for gets the sentence alone, which `console.js` shows as a toast.
pub(crate) async fn draw(request: Request, next: Next) -> Response {
    let hx = Hx::of(request.headers());
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    let frame = response.extensions_mut().remove::<Frame>();
    let status = failure.status;
    if hx.request {
        let mut sentence = failure.sentence;
        if let Some(incident) = failure.incident {
            sentence = format!("{sentence} Reference {incident}.");
        }
        return (status, sentence).into_response();
    }
    let title = match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "You cannot see this page",
        _ => "Something went wrong",
    };
    let page = match &frame {
        Some(frame) => Page::new(frame, Tab::None, title),
        None => Page::bare(title),
    };
    match (FailurePage { page, failure }).render() {
        Ok(html) => (
            status,
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            )],
            html,
        )
            .into_response(),
        Err(_) => status.into_response(),
    }
}
