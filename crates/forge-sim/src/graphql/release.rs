//! Releases.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::Listed;
use super::field::{Arguments, Resolved, View, int, leaf, maybe, maybe_time, time};
use crate::world::{Release, Repository, node_id};

#[derive(Clone, Copy)]
pub(super) struct ReleaseObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) release: &'w Release,
}

impl ReleaseObject<'_> {
    pub(super) fn sort(releases: &mut [Self], arguments: &Arguments<'_>) {
        let (field, descending) = arguments.order().unwrap_or(("CREATED_AT", true));
        match field {
            "NAME" => releases.sort_by_key(|object| object.release.name.clone()),
            _ => releases.sort_by_key(|object| (object.release.created_at, object.release.id)),
        }
        if descending {
            releases.reverse();
        }
    }
}

impl Listed for ReleaseObject<'_> {
    const CONNECTION: &'static str = "ReleaseConnection";
    const EDGE: &'static str = "ReleaseEdge";

    fn key(&self) -> u64 {
        self.release.id
    }
}

impl ObjectValue for ReleaseObject<'_> {
    fn type_name(&self) -> &'static str {
        "Release"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let release = self.release;
        match info.field_name() {
            "id" => leaf(node_id::encode(node_id::RELEASE, release.id)),
            "databaseId" => int(release.id),
            "name" => maybe(release.name.clone()),
            "tagName" => leaf(release.tag_name.as_str()),
            "description" => maybe(release.body.clone()),
            "isDraft" => leaf(release.draft),
            "isPrerelease" => leaf(release.prerelease),
            "createdAt" => time(release.created_at),
            "updatedAt" => time(release.updated_at),
            "publishedAt" => maybe_time(release.published_at),
            "url" => {
                let page = self.view.show.repository_page(self.repository);
                leaf(format!("{page}/releases/tag/{}", release.tag_name))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
