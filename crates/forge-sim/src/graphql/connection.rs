//! Connections: pages of things with cursors.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::field::{Arguments, Resolved, int, leaf, maybe, object, unresolved};

/// A thing that comes in connections.
pub(super) trait Listed: ObjectValue + Clone {
    /// The name of the connection's type.
    const CONNECTION: &'static str;
    /// The name of its edges' type.
    const EDGE: &'static str;

    /// What tells it from the others in the list.
    fn key(&self) -> u64;

    /// Its share of `totalDiskUsage`, where there is such a thing.
    fn disk_usage(&self) -> u64 {
        0
    }
}

/// A page of things.
pub(super) struct Connection<T> {
    items: Vec<T>,
    total: usize,
    disk_usage: u64,
    has_next: bool,
    has_previous: bool,
}

impl<T: Listed> Connection<T> {
    /// The page of a sorted list that `first`, `last`, `after` and `before` ask for.
    pub(super) fn resolve<'a>(all: Vec<T>, arguments: &Arguments<'_>) -> Resolved<'a>
    where
        T: 'a,
    {
        let total = all.len();
        let disk_usage = all.iter().map(T::disk_usage).sum();
        let position = |name: &str| match arguments.text(name) {
            None => Ok(None),
            Some(cursor) => all
                .iter()
                .position(|item| encode(item.key()) == cursor)
                .map(Some)
                .ok_or_else(|| format!("`{cursor}` does not appear to be a valid cursor.")),
        };
        let (after, before) = match (position("after"), position("before")) {
            (Ok(after), Ok(before)) => (after, before),
            (Err(message), _) | (_, Err(message)) => return unresolved(message),
        };
        let mut begin = after.map_or(0, |at| at + 1);
        let mut end = before.unwrap_or(total).max(begin);
        if let Some(first) = arguments.number("first") {
            end = end.min(begin.saturating_add(first));
        } else if let Some(last) = arguments.number("last") {
            begin = begin.max(end.saturating_sub(last));
        }
        object(Self {
            items: all.into_iter().skip(begin).take(end - begin).collect(),
            total,
            disk_usage,
            has_next: end < total,
            has_previous: begin > 0,
        })
    }
}

impl<T: Listed> ObjectValue for Connection<T> {
    fn type_name(&self) -> &'static str {
        T::CONNECTION
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "nodes" => {
                let nodes = self.items.iter().cloned().map(ResolvedValue::object);
                Ok(ResolvedValue::list(nodes))
            }
            "edges" => {
                let edges = self
                    .items
                    .iter()
                    .cloned()
                    .map(|item| ResolvedValue::object(Edge(item)));
                Ok(ResolvedValue::list(edges))
            }
            "totalCount" => int(self.total),
            "totalDiskUsage" => int(self.disk_usage),
            "pageInfo" => object(PageInfo {
                start: self.items.first().map(|item| encode(item.key())),
                end: self.items.last().map(|item| encode(item.key())),
                has_next: self.has_next,
                has_previous: self.has_previous,
            }),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct Edge<T>(T);

impl<T: Listed> ObjectValue for Edge<T> {
    fn type_name(&self) -> &'static str {
        T::EDGE
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "cursor" => leaf(encode(self.0.key())),
            "node" => object(self.0.clone()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct PageInfo {
    start: Option<String>,
    end: Option<String>,
    has_next: bool,
    has_previous: bool,
}

impl ObjectValue for PageInfo {
    fn type_name(&self) -> &'static str {
        "PageInfo"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "startCursor" => maybe(self.start.clone()),
            "endCursor" => maybe(self.end.clone()),
            "hasNextPage" => leaf(self.has_next),
            "hasPreviousPage" => leaf(self.has_previous),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

fn encode(key: u64) -> String {
    STANDARD.encode(format!("cursor:v2:{key}"))
}
