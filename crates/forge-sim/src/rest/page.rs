//! Pages of a list: by number with `Link` to the neighbours, or by cursor where lists are too long for that.

use axum::http::{StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Call, Outcome};
use crate::reply::{Refusal, Reply};

/// Items on a page unless the client asks for fewer or more.
const USUAL: usize = 30;
/// Items on a page at most.
const MOST: usize = 100;

/// The `Link` relations in GitHub's order: prev, next, last, first.
type Relations = Vec<(&'static str, String)>;

impl Call<'_> {
    pub(super) fn per_page(&self) -> usize {
        match self.query.number("per_page") {
            None | Some(0) => USUAL,
            Some(wanted) => wanted.min(MOST),
        }
    }

    /// One page of a list that is paged by number.
    pub(super) fn page<T>(&self, items: &[T], show: impl Fn(&T) -> Value) -> Outcome {
        self.page_at(&self.canonical, items, show)
    }

    /// The same for a list that is found elsewhere by number.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the last word of most views, which have one type"
    )]
    pub(super) fn page_at<T>(
        &self,
        canonical: &str,
        items: &[T],
        show: impl Fn(&T) -> Value,
    ) -> Outcome {
        let per_page = self.per_page();
        let page = self.query.number("page").unwrap_or(1).max(1);
        let last = items.len().div_ceil(per_page).max(1);
        let shown = items
            .iter()
            .skip((page - 1).saturating_mul(per_page))
            .take(per_page);
        let mut relations = Relations::new();
        if page > 1 {
            relations.push(("prev", self.page_query((page - 1).min(last))));
        }
        if page < last {
            relations.push(("next", self.page_query(page + 1)));
            relations.push(("last", self.page_query(last)));
        }
        if page > 1 {
            relations.push(("first", self.page_query(1)));
        }
        Ok(linked(canonical, shown.map(show).collect(), &relations))
    }

    /// One page of a sorted list, by cursor when it is long or when the client brings a cursor.
    pub(super) fn cursor_page<T>(
        &self,
        items: &[T],
        key: impl Fn(&T) -> String,
        show: impl Fn(&T) -> Value,
    ) -> Outcome {
        let after = self.query.text("after").and_then(decode);
        let before = self.query.text("before").and_then(decode);
        let long = items.len() > self.simulator.settings.cursor_issues_above;
        if after.is_none() && before.is_none() && !long {
            return self.page(items, show);
        }
        if long && self.query.number("page").is_some_and(|page| page > 1) {
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Pagination with the page parameter is not supported for large datasets, please use cursor based \
                 pagination (after/before)",
            ));
        }
        let per_page = self.per_page();
        let position = |cursor: &str| items.iter().position(|item| key(item) == cursor);
        let begin = match (&after, &before) {
            (Some(after), _) => position(after).map_or(items.len(), |at| at + 1),
            (None, Some(before)) => position(before).unwrap_or(0).saturating_sub(per_page),
            (None, None) => 0,
        };
        let shown = items.iter().skip(begin).take(per_page).collect::<Vec<_>>();
        let mut relations = Relations::new();
        if let Some(first) = shown.first().filter(|_| begin > 0) {
            relations.push(("prev", self.query.with_page("before", &encode(&key(first)))));
        }
        if let Some(last) = shown.last().filter(|_| begin + shown.len() < items.len()) {
            relations.push(("next", self.query.with_page("after", &encode(&key(last)))));
        }
        Ok(linked(
            &self.canonical,
            shown.into_iter().map(show).collect(),
            &relations,
        ))
    }

    /// One page of a list that goes on by `cursor`, and never by number.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the last word of most views, which have one type"
    )]
    pub(super) fn cursor_only<T>(
        &self,
        items: &[T],
        key: impl Fn(&T) -> String,
        show: impl Fn(&T) -> Value,
    ) -> Outcome {
        let after = self.query.text("cursor").and_then(decode);
        let begin = after.map_or(0, |after| {
            let position = items.iter().position(|item| key(item) == after);
            position.map_or(items.len(), |at| at + 1)
        });
        let shown: Vec<&T> = items.iter().skip(begin).take(self.per_page()).collect();
        let mut relations = Relations::new();
        if let Some(last) = shown.last().filter(|_| begin + shown.len() < items.len()) {
            relations.push(("next", self.query.with_page("cursor", &encode(&key(last)))));
        }
        Ok(linked(
            &self.canonical,
            shown.into_iter().map(show).collect(),
            &relations,
        ))
    }

    fn page_query(&self, page: usize) -> String {
        self.query.with_page("page", &page.to_string())
    }
}

fn linked(canonical: &str, items: Vec<Value>, relations: &Relations) -> Reply {
    let reply = Reply::json(Value::Array(items));
    if relations.is_empty() {
        return reply;
    }
    let links = relations
        .iter()
        .map(|(relation, query)| format!("<{canonical}?{query}>; rel=\"{relation}\""))
        .collect::<Vec<_>>();
    reply.with(header::LINK, links.join(", "))
}

/// A cursor that clients have no reason to read.
fn encode(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("cursor:v2:{key}"))
}

fn decode(cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("cursor:v2:").map(str::to_owned)
}
