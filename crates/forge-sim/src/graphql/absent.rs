//! Kinds of things that can be asked for and of which this world has none: their types have no values.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::Listed;
use super::field::Resolved;

/// Discussions: this world has none, so there is nothing to construct.
#[derive(Clone, Copy)]
pub(super) enum DiscussionObject {}

impl Listed for DiscussionObject {
    const CONNECTION: &'static str = "DiscussionConnection";
    const EDGE: &'static str = "DiscussionEdge";

    fn key(&self) -> u64 {
        match *self {}
    }
}

impl ObjectValue for DiscussionObject {
    fn type_name(&self) -> &'static str {
        match *self {}
    }

    fn resolve_field<'a>(&'a self, _info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match *self {}
    }
}

/// Events on the timeline of an issue: this world has none.
#[derive(Clone, Copy)]
pub(super) enum IssueEventObject {}

impl Listed for IssueEventObject {
    const CONNECTION: &'static str = "IssueTimelineItemsConnection";
    const EDGE: &'static str = "IssueTimelineItemsEdge";

    fn key(&self) -> u64 {
        match *self {}
    }
}

impl ObjectValue for IssueEventObject {
    fn type_name(&self) -> &'static str {
        match *self {}
    }

    fn resolve_field<'a>(&'a self, _info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match *self {}
    }
}

/// Events on the timeline of a pull request: this world has none.
#[derive(Clone, Copy)]
pub(super) enum PullEventObject {}

impl Listed for PullEventObject {
    const CONNECTION: &'static str = "PullRequestTimelineItemsConnection";
    const EDGE: &'static str = "PullRequestTimelineItemsEdge";

    fn key(&self) -> u64 {
        match *self {}
    }
}

impl ObjectValue for PullEventObject {
    fn type_name(&self) -> &'static str {
        match *self {}
    }

    fn resolve_field<'a>(&'a self, _info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match *self {}
    }
}
