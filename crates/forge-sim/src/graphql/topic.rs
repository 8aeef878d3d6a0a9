//! Topics.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::Listed;
use super::field::{Resolved, leaf, object};
use crate::world::node_id;

/// A topic of a repository, and the topic itself.
#[derive(Clone, Copy)]
pub(super) struct TopicObject<'w> {
    pub(super) name: &'w str,
}

impl Listed for TopicObject<'_> {
    const CONNECTION: &'static str = "RepositoryTopicConnection";
    const EDGE: &'static str = "RepositoryTopicEdge";

    fn key(&self) -> u64 {
        node_id::digest(self.name)
    }
}

impl ObjectValue for TopicObject<'_> {
    fn type_name(&self) -> &'static str {
        "RepositoryTopic"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "id" => leaf(node_id::named("MDE1OlJlcG9zaXRvcnlUb3BpYw", self.name)),
            "topic" => object(TopicItself(self.name)),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct TopicItself<'w>(&'w str);

impl ObjectValue for TopicItself<'_> {
    fn type_name(&self) -> &'static str {
        "Topic"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "id" => leaf(node_id::named("T", self.0)),
            "name" => leaf(self.0),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
