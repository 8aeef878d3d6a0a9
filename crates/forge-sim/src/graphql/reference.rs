//! Git references with what they point at, and what a repository declares about itself.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::Listed;
use super::field::{Arguments, Resolved, View, leaf, object};
use super::repository::RepositoryObject;
use crate::git::refs;
use crate::rest::show;
use crate::world::{License, Repository, node_id};

#[derive(Clone)]
pub(super) struct RefObject<'w> {
    view: View<'w>,
    repository: &'w Repository,
    prefix: String,
    name: String,
    oid: String,
}

/// The references that `refPrefix` and `query` ask for, by name.
pub(super) fn under<'w>(
    view: View<'w>,
    repository: &'w Repository,
    arguments: &Arguments<'_>,
) -> Vec<RefObject<'w>> {
    let prefix = arguments.text("refPrefix").unwrap_or("refs/heads/");
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let query = arguments.text("query").unwrap_or_default();
    let mut found = refs::all(&repository.git)
        .into_iter()
        .filter_map(|(full, oid)| {
            let name = full
                .strip_prefix(&prefix)
                .filter(|name| name.contains(query))?
                .to_owned();
            let prefix = prefix.clone();
            Some(RefObject {
                view,
                repository,
                prefix,
                name,
                oid,
            })
        })
        .collect::<Vec<_>>();
    let descending = arguments.order().map(|(_, descending)| descending);
    if descending.unwrap_or(arguments.text("direction") == Some("DESC")) {
        found.reverse();
    }
    found
}

impl<'w> RefObject<'w> {
    /// The default branch, once there is a commit on it.
    pub(super) fn default_branch(view: View<'w>, repository: &'w Repository) -> Option<Self> {
        let name = &repository.default_branch;
        let oid = refs::branches(&repository.git).remove(name)?;
        Some(Self {
            view,
            repository,
            prefix: "refs/heads/".to_owned(),
            name: name.clone(),
            oid,
        })
    }

    fn id(&self) -> String {
        let full = format!("{}{}", self.prefix, self.name);
        show::reference_node_id(self.repository, &full)
    }
}

impl Listed for RefObject<'_> {
    const CONNECTION: &'static str = "RefConnection";
    const EDGE: &'static str = "RefEdge";

    fn key(&self) -> u64 {
        node_id::decode(&self.id()).map_or(0, |(_, id)| id)
    }
}

impl ObjectValue for RefObject<'_> {
    fn type_name(&self) -> &'static str {
        "Ref"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (view, repository) = (self.view, self.repository);
        match info.field_name() {
            "id" => leaf(self.id()),
            "name" => leaf(self.name.as_str()),
            "prefix" => leaf(self.prefix.as_str()),
            "repository" => object(RepositoryObject { view, repository }),
            "target" => object(CommitObject {
                view,
                repository,
                oid: self.oid.clone(),
            }),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

#[derive(Clone)]
pub(super) struct CommitObject<'w> {
    pub(super) view: View<'w>,
    pub(super) repository: &'w Repository,
    pub(super) oid: String,
}

impl ObjectValue for CommitObject<'_> {
    fn type_name(&self) -> &'static str {
        "Commit"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let (view, repository) = (self.view, self.repository);
        match info.field_name() {
            "oid" => leaf(self.oid.as_str()),
            "abbreviatedOid" => leaf(self.oid.get(..7).unwrap_or_default()),
            "id" => leaf(show::reference_node_id(repository, &self.oid)),
            "url" => leaf(format!(
                "{}/commit/{}",
                view.show.repository_page(repository),
                self.oid
            )),
            "repository" => object(RepositoryObject { view, repository }),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct LicenseObject<'w> {
    pub(super) license: &'w License,
}

impl ObjectValue for LicenseObject<'_> {
    fn type_name(&self) -> &'static str {
        "License"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "id" => leaf(self.license.node_id()),
            "key" => leaf(self.license.key),
            "name" => leaf(self.license.name),
            "spdxId" => leaf(self.license.spdx_id),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct LanguageObject<'w> {
    pub(super) name: &'w str,
}

impl ObjectValue for LanguageObject<'_> {
    fn type_name(&self) -> &'static str {
        "Language"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "id" => leaf(node_id::named("LAN", self.name)),
            "name" => leaf(self.name),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
