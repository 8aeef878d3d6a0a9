//! Pages of a list, by number or by key.
//!
//! <https://docs.gitlab.com/api/rest/#pagination>

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::query::Query;

/// The furthest that a list which has keyset pagination may be read by number.
const OFFSET_LIMIT: usize = 50_000;

/// A list about to be answered.
pub(super) struct List<'a> {
    /// The address of the list, without its query.
    pub(super) address: String,
    pub(super) query: &'a Query,
    pub(super) items: Vec<Value>,
    /// Whether it can be read by key.
    pub(super) keyset: bool,
    /// Longer lists do not say how long they are.
    pub(super) totals_up_to: usize,
}

impl List<'_> {
    pub(super) fn answer(self) -> Response {
        let per_page = self.query.number("per_page").unwrap_or(20).clamp(1, 100);
        if self.query.text("pagination") == Some("keyset") {
            return self.by_key(per_page);
        }
        let page = self.query.number("page").unwrap_or(1).max(1);
        let start = (page - 1) * per_page;
        if self.keyset && start > OFFSET_LIMIT {
            let sentence = format!(
                "Offset pagination has a maximum allowed offset of {OFFSET_LIMIT} for requests that return objects of type Project. Remaining records can be retrieved using keyset pagination."
            );
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                Json(json!({ "error": sentence })),
            )
                .into_response();
        }
        let total = self.items.len();
        let pages = total.div_ceil(per_page).max(1);
        let part: Vec<Value> = self
            .items
            .iter()
            .skip(start)
            .take(per_page)
            .cloned()
            .collect();
        let has_next = start + per_page < total;
        let counted = total <= self.totals_up_to;
        let link = |page: usize, relation: &str| {
            let query = self.query.with_page("page", &page.to_string());
            // Defaults that were not asked for are echoed too.
            format!(
                "<{}?order_by=id&owned=false&{query}>; rel=\"{relation}\"",
                self.address
            )
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link(page - 1, "prev"));
        }
        if has_next {
            links.push(link(page + 1, "next"));
        }
        links.push(link(1, "first"));
        if counted {
            links.push(link(pages, "last"));
        }
        let number = |wanted: bool, number: usize| {
            if wanted {
                number.to_string()
            } else {
                String::new()
            }
        };
        let mut response = Json(part).into_response();
        let mut set = |name: &'static str, value: String| set(&mut response, name, &value);
        set("link", links.join(", "));
        set("x-page", page.to_string());
        set("x-per-page", per_page.to_string());
        set("x-next-page", number(has_next, page + 1));
        set("x-prev-page", number(page > 1, page.saturating_sub(1)));
        if counted {
            set("x-total", total.to_string());
            set("x-total-pages", pages.to_string());
        }
        response
    }

    fn by_key(mut self, per_page: usize) -> Response {
        if !self.keyset || self.query.text("order_by").unwrap_or("id") != "id" {
            let body = json!({ "error": "Keyset pagination is not yet available for this type of request" });
            return (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response();
        }
        let id = |item: &Value| item.get("id").and_then(Value::as_u64).unwrap_or_default();
        let is_ascending = self.query.text("sort") == Some("asc");
        self.items.sort_by_key(&id);
        if !is_ascending {
            self.items.reverse();
        }
        if let Some(after) = self.query.number("id_after") {
            self.items.retain(|item| id(item) > after as u64);
        }
        if let Some(before) = self.query.number("id_before") {
            self.items.retain(|item| id(item) < before as u64);
        }
        let is_full = self.items.len() > per_page;
        self.items.truncate(per_page);
        let last = self.items.last().map(&id);
        let mut response = Json(&self.items).into_response();
        if let Some(last) = last.filter(|_| is_full) {
            let key = if is_ascending {
                "id_after"
            } else {
                "id_before"
            };
            let query = self.query.without(key);
            let link = format!("<{}?{query}&{key}={last}>; rel=\"next\"", self.address);
            set(&mut response, "link", &link);
        }
        response
    }
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}
