//! Bringing a project back to a GitLab, from a snapshot that was restored into a folder: git, wiki, labels, milestones, issues
//! with their notes, releases.
//!
//! First [`Replay::plan`], which writes nothing, then [`Replay::run`]. Everything is looked for before it is made, so that a run
//! that was interrupted goes on where it was, and one that is repeated makes nothing. Nothing is overwritten: a project that
//! holds something else is refused.

mod issues;
mod plan;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use domain::Kind;
use forge::{Client, Made, Repository};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

pub use self::plan::Plan;
use self::source::{Source, named, text};
use crate::{Error, git};

/// Where a project is to be.
#[derive(Debug, Clone)]
pub struct Target {
    /// The whole path of its group.
    pub group: String,
    /// Its own path there.
    pub name: String,
}

impl Target {
    /// Its whole path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

/// One project that is brought back.
#[derive(Debug)]
pub struct Replay<'a> {
    client: &'a Client,
    source: Source,
    target: Target,
    cancel: CancellationToken,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Things made now, by their kind.
    pub made: BTreeMap<Kind, u64>,
    /// Things that were there already.
    pub found: BTreeMap<Kind, u64>,
}

impl Replayed {
    fn note(&mut self, kind: Kind, is_new: bool) {
        let book = if is_new {
            &mut self.made
        } else {
            &mut self.found
        };
        *book.entry(kind).or_default() += 1;
    }
}

impl<'a> Replay<'a> {
    /// Reads the folder that the snapshot was restored into; asks nothing yet.
    pub fn open(
        client: &'a Client,
        folder: &Path,
        target: Target,
        cancel: CancellationToken,
    ) -> Result<Self, Error> {
        Ok(Self {
            client,
            source: Source::open(folder)?,
            target,
            cancel,
        })
    }

    /// What would be done, and what cannot be.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let existing = self.client.project(&self.target.path()).await?;
        if let Some((repository, _)) = &existing {
            self.refuse_foreign(repository).await?;
        }
        plan::of(&self.source, self.client.host(), existing.is_some())
    }

    /// Does it, or goes on with it; tells each thing as it is there.
    pub async fn run(
        &self,
        progress: &(dyn Fn(Kind, u64) + Send + Sync),
    ) -> Result<Replayed, Error> {
        let mut done = Replayed::default();
        let repository = self.project(&mut done).await?;
        progress(Kind::Settings, 1);
        self.git(&repository, &mut done).await?;
        progress(Kind::Git, 1);
        self.labels(&repository, &mut done).await?;
        let milestones = self.milestones(&repository, &mut done).await?;
        issues::bring(self, &repository, &milestones, &mut done, progress).await?;
        self.releases(&repository, &mut done).await?;
        self.settle(&repository).await?;
        Ok(done)
    }

    /// The project, made if there is none.
    async fn project(&self, done: &mut Replayed) -> Result<Repository, Error> {
        let path = self.target.path();
        if let Some((repository, _)) = self.client.project(&path).await? {
            self.refuse_foreign(&repository).await?;
            done.note(Kind::Settings, false);
            return Ok(repository);
        }
        let group = self.client.group(&self.target.group).await?;
        let group = group.ok_or_else(|| forge::Error::Missing {
            detail: format!(
                "{} has no group {} that the token can see.",
                self.client.host(),
                self.target.group
            ),
        })?;
        let settings = self.source.settings()?;
        let mut body = Map::new();
        body.insert("path".to_owned(), self.target.name.clone().into());
        body.insert("name".to_owned(), self.target.name.clone().into());
        body.insert("namespace_id".to_owned(), group.into());
        for name in [
            "description",
            "visibility",
            "topics",
            "merge_method",
            "lfs_enabled",
        ] {
            copy(&settings, name, &mut body);
        }
        for (name, value) in settings.as_object().into_iter().flatten() {
            if name.ends_with("_access_level") {
                body.insert(name.clone(), value.clone());
            }
        }
        if self.source.held(Kind::Lfs) > 0 {
            // As long as Git LFS is switched on, GitLab refuses a push whose objects it does not have (gitlab-org/gitlab#20436).
            body.insert("lfs_enabled".to_owned(), false.into());
        }
        self.client
            .make(Made::Project, "projects", Value::Object(body))
            .await?;
        done.note(Kind::Settings, true);
        let made = self.client.project(&path).await?;
        made.map(|(repository, _)| repository).ok_or_else(|| {
            let detail = format!("{path} was made and cannot be seen.");
            forge::Error::Missing { detail }.into()
        })
    }

    /// A project that has a branch or a tag which the snapshot has not, or has otherwise, is somebody else's.
    async fn refuse_foreign(&self, repository: &Repository) -> Result<(), Error> {
        let access = self.client.git_access(repository, false)?;
        let ours = self.source.references(&self.cancel)?;
        let theirs = self.client.git_references(&access).await?;
        let is_ours = |object: &str, name: &str| ours.get(name).is_some_and(|own| own == object);
        let foreign = theirs.iter().find(|(object, name)| {
            let is_written = name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
            is_written && !name.ends_with("^{}") && !is_ours(object, name)
        });
        match foreign {
            None => Ok(()),
            Some((_, name)) => Err(refused(format!(
                "{} exists and its {name} is not the snapshot's: name another project, nothing is overwritten.",
                self.target.path()
            ))),
        }
    }

    async fn git(&self, repository: &Repository, done: &mut Replayed) -> Result<(), Error> {
        if self.source.has_git() {
            let access = self.client.git_access(repository, false)?;
            git::push(&self.source.path("git"), &access, &self.cancel)
                .await
                .map_err(|failure| failure.into_error("Pushing the code"))?;
            done.note(Kind::Git, true);
        }
        if self.source.has_wiki() {
            let access = self.client.git_access(repository, true)?;
            git::push(&self.source.path("wiki"), &access, &self.cancel)
                .await
                .map_err(|failure| failure.into_error("Pushing the wiki"))?;
            done.note(Kind::Wiki, true);
        }
        Ok(())
    }

    async fn labels(&self, repository: &Repository, done: &mut Replayed) -> Result<(), Error> {
        let path = format!("projects/{}/labels", repository.id);
        let there = self
            .client
            .everything(&format!("{path}?per_page=100"))
            .await?;
        for label in self.source.rows(Kind::Labels)? {
            let is_new = named(&there, "name", text(&label, "name")).is_none();
            if is_new {
                let body = picked(&label, &["name", "color", "description", "priority"]);
                self.client.make(Made::Label, &path, body).await?;
            }
            done.note(Kind::Labels, is_new);
        }
        Ok(())
    }

    /// The numbers that milestones have now, by those that they had.
    async fn milestones(
        &self,
        repository: &Repository,
        done: &mut Replayed,
    ) -> Result<BTreeMap<i64, i64>, Error> {
        let path = format!("projects/{}/milestones", repository.id);
        let there = self
            .client
            .everything(&format!("{path}?per_page=100"))
            .await?;
        let mut rows = self.source.rows(Kind::Milestones)?;
        rows.sort_by_key(|row| row.get("iid").and_then(Value::as_i64));
        let mut numbers = BTreeMap::new();
        for row in rows {
            let found = named(&there, "title", text(&row, "title"));
            let is_new = found.is_none();
            let now = if let Some(found) = found {
                found.clone()
            } else {
                let body = picked(&row, &["title", "description", "due_date", "start_date"]);
                self.client.make(Made::Milestone, &path, body).await?
            };
            let id = |value: &Value| value.get("id").and_then(Value::as_i64);
            if let (Some(old), Some(new)) = (id(&row), id(&now)) {
                numbers.insert(old, new);
                if text(&row, "state") == "closed" && text(&now, "state") != "closed" {
                    let body = json!({ "state_event": "close" });
                    self.client.change(&format!("{path}/{new}"), body).await?;
                }
            }
            done.note(Kind::Milestones, is_new);
        }
        Ok(numbers)
    }

    async fn releases(&self, repository: &Repository, done: &mut Replayed) -> Result<(), Error> {
        let path = format!("projects/{}/releases", repository.id);
        let there = self
            .client
            .everything(&format!("{path}?per_page=100"))
            .await?;
        for release in self.source.rows(Kind::Releases)? {
            let is_new = named(&there, "tag_name", text(&release, "tag_name")).is_none();
            if is_new {
                let mut body = picked(
                    &release,
                    &["tag_name", "name", "description", "released_at"],
                );
                let links = release.pointer("/assets/links").and_then(Value::as_array);
                let links: Vec<Value> = links
                    .into_iter()
                    .flatten()
                    .map(|link| picked(link, &["name", "url", "link_type"]))
                    .collect();
                if let (Value::Object(body), false) = (&mut body, links.is_empty()) {
                    body.insert("assets".to_owned(), json!({ "links": links }));
                }
                self.client.make(Made::Release, &path, body).await?;
            }
            done.note(Kind::Releases, is_new);
        }
        Ok(())
    }

    /// What can be set only when the rest is there.
    async fn settle(&self, repository: &Repository) -> Result<(), Error> {
        let settings = self.source.settings()?;
        let mut body = Map::new();
        copy(&settings, "default_branch", &mut body);
        if body.is_empty() {
            return Ok(());
        }
        let path = format!("projects/{}", repository.id);
        self.client.change(&path, Value::Object(body)).await?;
        Ok(())
    }
}

/// Some fields of a row, those that have a value.
fn picked(row: &Value, names: &[&str]) -> Value {
    let mut body = Map::new();
    for name in names {
        copy(row, name, &mut body);
    }
    Value::Object(body)
}

fn copy(from: &Value, name: &str, to: &mut Map<String, Value>) {
    if let Some(value) = from.get(name).filter(|value| !value.is_null()) {
        to.insert(name.to_owned(), value.clone());
    }
}

/// What is there already is something else.
fn refused(detail: String) -> Error {
    forge::Error::Denied { detail }.into()
}
