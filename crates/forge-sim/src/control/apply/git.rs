//! Changes that reach git: pushes, pull requests, releases.

use super::Workshop;
use crate::apps::hooks::Notice;
use crate::apps::life;
use crate::control::Mutated;
use crate::error::Error;
use crate::git::{history, push};
use crate::world::{Asset, Content, Issue, IssueState, Pull, Release};

impl Workshop<'_> {
    pub(super) fn push(
        &mut self,
        repository: &str,
        branch: Option<&str>,
        commits: u64,
        forced: bool,
    ) -> Result<Mutated, Error> {
        self.own(repository)?;
        let author = self.world.login(self.author_id).to_owned();
        let now = self.now;
        let pushed = self.repository(repository)?;
        let branch = branch.unwrap_or(&pushed.default_branch).to_owned();
        let sha = push::push(&pushed.git, &branch, commits, forced, &author, now)?;
        pushed.pushed_at = now;
        if branch == pushed.default_branch {
            pushed.updated_at = now;
        }
        let id = pushed.id;
        let notice = Notice {
            event: "push".to_owned(),
            pushed: Some((branch, sha.clone())),
            ..Notice::default()
        };
        life::tell_of_repository(self.world, id, self.author_id, now, &notice);
        Ok(Mutated::sha(sha))
    }

    pub(super) fn push_wiki(&mut self, repository: &str) -> Result<Mutated, Error> {
        let author = self.world.login(self.author_id).to_owned();
        let now = self.now;
        let root = self.simulator.settings.root.clone();
        let edited = self.repository(repository)?;
        let wiki = edited
            .wiki
            .get_or_insert_with(|| root.join(format!("{}.wiki.git", edited.id)));
        if !wiki.join("HEAD").exists() {
            history::create(wiki, "master")?;
        }
        push::push(wiki, "master", 1, false, &author, now).map(Mutated::sha)
    }

    pub(super) fn add_pull(&mut self, repository: &str, title: &str) -> Result<Mutated, Error> {
        self.own(repository)?;
        let author = self.world.login(self.author_id).to_owned();
        let (now, author_id) = (self.now, self.author_id);
        let (id, pull_id) = (self.world.next_id(), self.world.next_id());
        let opened = self.repository(repository)?;
        let number = opened.next_number();
        let base_ref = opened.default_branch.clone();
        let (base_sha, head_sha) = push::open_pull(&opened.git, number, &base_ref, &author, now)?;
        let issue = Issue {
            title: title.to_owned(),
            pull: Some(Pull {
                id: pull_id,
                head_ref: history::head_ref(number),
                head_sha: head_sha.clone(),
                head_is_gone: false,
                base_ref,
                base_sha,
                draft: false,
                merged_at: None,
                merged_by_id: None,
                merge_commit_sha: None,
                commits: 1,
                reviews: Vec::new(),
                comments: Vec::new(),
            }),
            ..Issue::opened(id, number, author_id, now)
        };
        opened.issues.insert(number, issue);
        opened.pushed_at = now;
        Ok(Mutated {
            id: Some(pull_id),
            number: Some(number),
            sha: Some(head_sha),
        })
    }

    pub(super) fn add_release(
        &mut self,
        repository: &str,
        tag: &str,
        assets: u64,
        asset_bytes: u64,
    ) -> Result<Mutated, Error> {
        self.own(repository)?;
        let (now, author_id) = (self.now, self.author_id);
        let id = self.world.next_id();
        let assets = (1..=assets)
            .map(|number| {
                let id = self.world.next_id();
                let content = Content {
                    seed: id,
                    size: asset_bytes,
                };
                Asset {
                    id,
                    name: format!("{tag}-{number}.bin"),
                    content_type: "application/octet-stream".to_owned(),
                    content,
                    sha256: content.sha256(),
                    uploader_id: author_id,
                    created_at: now,
                    updated_at: now,
                }
            })
            .collect();
        let released = self.repository(repository)?;
        push::tag(&released.git, &released.default_branch, tag)?;
        let target = released.default_branch.clone();
        released.releases.push(Release {
            id,
            tag_name: tag.to_owned(),
            target,
            name: Some(tag.to_owned()),
            body: None,
            draft: false,
            prerelease: false,
            author_id,
            created_at: now,
            updated_at: now,
            published_at: Some(now),
            assets,
        });
        released.pushed_at = now;
        Ok(Mutated::id(id))
    }

    pub(super) fn edit_release(
        &mut self,
        repository: &str,
        tag: &str,
        body: &str,
    ) -> Result<Mutated, Error> {
        let now = self.now;
        let release = self
            .repository(repository)?
            .releases
            .iter_mut()
            .find(|release| release.tag_name == tag)
            .ok_or_else(|| Error::Unknown(format!("release {tag} of {repository}")))?;
        release.body = Some(body.to_owned());
        release.updated_at = now;
        Ok(Mutated::id(release.id))
    }

    pub(super) fn delete_release(&mut self, repository: &str, tag: &str) -> Result<Mutated, Error> {
        let released = self.repository(repository)?;
        let before = released.releases.len();
        released.releases.retain(|release| release.tag_name != tag);
        if released.releases.len() == before {
            return Err(Error::Unknown(format!("release {tag} of {repository}")));
        }
        Ok(Mutated::id(released.id))
    }

    /// Refuses to write into repositories that the simulator did not make.
    fn own(&mut self, repository: &str) -> Result<(), Error> {
        let root = self.simulator.settings.root.clone();
        if self.repository(repository)?.git.starts_with(root) {
            return Ok(());
        }
        let message = format!("{repository} is somebody's own repository and is not written to");
        Err(Error::Invalid(message))
    }
}

impl Issue {
    /// A new issue without anything in it.
    pub(super) fn opened(
        id: u64,
        number: u64,
        author_id: u64,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Self {
        Self {
            id,
            number,
            title: String::new(),
            body: None,
            state: IssueState::Open,
            state_reason: None,
            author_id,
            assignee_ids: Vec::new(),
            label_ids: Vec::new(),
            milestone: None,
            locked: false,
            created_at: now,
            updated_at: now,
            closed_at: None,
            comments: Vec::new(),
            pull: None,
        }
    }
}
