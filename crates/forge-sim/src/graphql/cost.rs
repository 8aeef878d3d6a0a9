//! What a query costs and how many things it may ask for (GitHub docs, rate limits and query limits for the GraphQL API).

use std::fmt;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::response::{JsonMap, JsonValue};

/// Things that one query may ask for.
const MOST_NODES: u64 = 500_000;
/// Things that one connection may be asked for.
const LARGEST_PAGE: u64 = 100;
/// Requests that one point pays for.
const REQUESTS_PER_POINT: u64 = 100;

#[cfg(test)]
mod tests;

/// The price of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Price {
    /// Points.
    pub(super) cost: u64,
    /// Things it may return at most.
    pub(super) nodes: u64,
}

/// Why a query is refused before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Excess {
    Unbounded {
        connection: String,
    },
    Page {
        connection: String,
        argument: &'static str,
        wanted: i64,
    },
    Nodes(u64),
}

impl Excess {
    /// GitHub's word for it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unbounded { .. } => "MISSING_PAGINATION_BOUNDARIES",
            Self::Page { .. } => "EXCESSIVE_PAGINATION",
            Self::Nodes(_) => "MAX_NODE_LIMIT_EXCEEDED",
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbounded { connection } => write!(
                f,
                "You must provide a `first` or `last` value to properly paginate the `{connection}` connection."
            ),
            Self::Page {
                connection,
                argument,
                wanted,
            } => write!(
                f,
                "Requesting {wanted} records on the `{connection}` connection exceeds the `{argument}` limit of \
                 {LARGEST_PAGE} records."
            ),
            Self::Nodes(nodes) => write!(
                f,
                "This query requests up to {nodes} possible nodes which exceeds the maximum limit of {MOST_NODES}."
            ),
        }
    }
}

/// Counts the requests that a query stands for, each connection as full as it may be.
pub(super) fn price(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &JsonMap,
) -> Result<Price, Excess> {
    let mut counter = Counter {
        document,
        variables,
        requests: 0,
        nodes: 0,
    };
    counter.selections(&operation.selection_set, 1)?;
    if counter.nodes > MOST_NODES {
        return Err(Excess::Nodes(counter.nodes));
    }
    let rounded = (counter.requests + REQUESTS_PER_POINT / 2) / REQUESTS_PER_POINT;
    Ok(Price {
        cost: rounded.max(1),
        nodes: counter.nodes,
    })
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
    requests: u64,
    nodes: u64,
}

impl Counter<'_> {
    /// `parents` is how many things the selections are asked of.
    fn selections(&mut self, selections: &SelectionSet, parents: u64) -> Result<(), Excess> {
        for selection in &selections.selections {
            match selection {
                Selection::Field(field) => self.field(field, parents)?,
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.selection_set, parents)?;
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.selections(&fragment.selection_set, parents)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, parents: u64) -> Result<(), Excess> {
        let is_connection = field
            .definition
            .arguments
            .iter()
            .any(|argument| argument.name == "first");
        if !is_connection {
            return self.selections(&field.selection_set, parents);
        }
        self.requests = self.requests.saturating_add(parents);
        let page = match (self.bound(field, "first")?, self.bound(field, "last")?) {
            (Some(first), _) => first,
            (None, Some(last)) => last,
            (None, None) if only_counted(field) => 0,
            (None, None) => {
                return Err(Excess::Unbounded {
                    connection: field.name.to_string(),
                });
            }
        };
        let children = parents.saturating_mul(page);
        self.nodes = self.nodes.saturating_add(children);
        self.selections(&field.selection_set, children)
    }

    /// The value of `first` or `last`.
    fn bound(&self, field: &Field, argument: &'static str) -> Result<Option<u64>, Excess> {
        let value = field.arguments.iter().find(|given| given.name == argument);
        let wanted = match value.map(|given| &*given.value) {
            Some(ast::Value::Int(number)) => number.try_to_i32().ok().map(i64::from),
            Some(ast::Value::Variable(name)) => self
                .variables
                .get(name.as_str())
                .and_then(JsonValue::as_i64),
            _ => None,
        };
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        match u64::try_from(wanted) {
            Ok(page) if page <= LARGEST_PAGE => Ok(Some(page)),
            _ => Err(Excess::Page {
                connection: field.name.to_string(),
                argument,
                wanted,
            }),
        }
    }
}

/// Whether a connection is asked for nothing that has pages.
fn only_counted(field: &Field) -> bool {
    field
        .selection_set
        .selections
        .iter()
        .all(|selection| match selection {
            Selection::Field(field) => {
                ["totalCount", "totalDiskUsage", "__typename"].contains(&field.name.as_str())
            }
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
        })
}
