//! Repositories in GitHub's three shapes: minimal (lists of an owner), whole (the caller's list), full (one alone).

use serde_json::{Value, json};

use super::account::extend;
use super::{Show, maybe_time, time};
use crate::world::{AccountKind, IssueState, Label, Milestone, Repository, node_id};

/// Addresses below a repository, as the field's name and what follows the repository's own address.
const URLS: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

impl Show<'_> {
    /// The shape of lists of an owner's repositories.
    pub(crate) fn minimal_repository(&self, repository: &Repository) -> Value {
        let base = self.repository_url(repository);
        let page = self.repository_page(repository);
        let host = self.urls.web.rsplit('/').next().unwrap_or_default();
        let full_name = self.world.full_name(repository);
        let open_issues = repository
            .issues
            .values()
            .filter(|issue| issue.state == IssueState::Open)
            .count();
        let mut shown = json!({
            "id": repository.id,
            "node_id": node_id::encode(node_id::REPOSITORY, repository.id),
            "name": repository.name,
            "full_name": full_name,
            "owner": self.user(repository.owner_id),
            "private": repository.private,
            "html_url": page,
            "description": repository.description,
            "fork": repository.fork,
            "git_url": format!("git://{host}/{full_name}.git"),
            "ssh_url": format!("git@{host}:{full_name}.git"),
            "clone_url": format!("{page}.git"),
            "svn_url": page,
            "mirror_url": null,
            "homepage": repository.homepage,
            "language": repository.language,
            "license": repository.license.as_ref().map(|license| self.license(license)),
            "forks_count": 0,
            "forks": 0,
            "stargazers_count": repository.stars,
            "watchers_count": repository.stars,
            "watchers": repository.stars,
            "size": repository.size_kib,
            "default_branch": repository.default_branch,
            "open_issues_count": open_issues,
            "open_issues": open_issues,
            "is_template": repository.template,
            "topics": repository.topics,
            "archived": repository.archived,
            "disabled": repository.disabled,
            "visibility": if repository.private { "private" } else { "public" },
            "pushed_at": time(repository.pushed_at),
            "created_at": time(repository.created_at),
            "updated_at": time(repository.updated_at),
            "allow_forking": true,
            "web_commit_signoff_required": false,
        });
        extend(
            &mut shown,
            json!({
                "has_issues": repository.has_issues,
                "has_projects": true,
                "has_wiki": repository.has_wiki,
                "has_pages": false,
                "has_downloads": true,
                "has_discussions": false,
                "has_pull_requests": true,
                "pull_request_creation_policy": "all",
            }),
        );
        if let Some(object) = shown.as_object_mut() {
            object.extend(
                URLS.iter()
                    .map(|(key, rest)| ((*key).to_owned(), json!(format!("{base}{rest}")))),
            );
        }
        if self.caller.is_authorized() {
            extend(
                &mut shown,
                json!({ "permissions": self.permissions(repository) }),
            );
        }
        shown
    }

    /// The shape of the caller's own list.
    pub(crate) fn repository(&self, repository: &Repository) -> Value {
        self.minimal_repository(repository)
    }

    /// The shape of a repository asked for alone.
    pub(crate) fn full_repository(&self, repository: &Repository) -> Value {
        let mut shown = self.minimal_repository(repository);
        let owner = self.account(repository.owner_id);
        extend(
            &mut shown,
            json!({
                "network_count": 0,
                "subscribers_count": 1,
                "temp_clone_token": null,
            }),
        );
        if let Some(owner) = owner.filter(|owner| owner.kind == AccountKind::Organization) {
            extend(
                &mut shown,
                json!({ "organization": self.simple_user(owner), "custom_properties": {} }),
            );
        }
        if self.caller.administers(repository, self.world) {
            extend(
                &mut shown,
                json!({
                    "allow_rebase_merge": true,
                    "allow_squash_merge": true,
                    "allow_auto_merge": false,
                    "delete_branch_on_merge": false,
                    "allow_merge_commit": true,
                    "allow_update_branch": false,
                    "use_squash_pr_title_as_default": false,
                    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
                    "squash_merge_commit_message": "COMMIT_MESSAGES",
                    "merge_commit_title": "MERGE_MESSAGE",
                    "merge_commit_message": "PR_TITLE",
                }),
            );
        }
        shown
    }

    pub(crate) fn label(&self, repository: &Repository, label: &Label) -> Value {
        let name = label
            .name
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('/', "%2F");
        json!({
            "id": label.id,
            "node_id": node_id::encode(node_id::LABEL, label.id),
            "url": format!("{}/labels/{name}", self.repository_url(repository)),
            "name": label.name,
            "color": label.color,
            "default": label.default,
            "description": label.description,
        })
    }

    pub(crate) fn milestone(&self, repository: &Repository, milestone: &Milestone) -> Value {
        let url = format!(
            "{}/milestones/{}",
            self.repository_url(repository),
            milestone.number
        );
        let count = |state: IssueState| {
            let issues = repository.issues.values();
            issues
                .filter(|i| i.milestone == Some(milestone.number) && i.state == state)
                .count()
        };
        json!({
            "url": url,
            "html_url": format!("{}/milestone/{}", self.repository_page(repository), milestone.number),
            "labels_url": format!("{url}/labels"),
            "id": milestone.id,
            "node_id": node_id::encode(node_id::MILESTONE, milestone.id),
            "number": milestone.number,
            "title": milestone.title,
            "description": milestone.description,
            "creator": self.user(milestone.creator_id),
            "open_issues": count(IssueState::Open),
            "closed_issues": count(IssueState::Closed),
            "state": milestone.state.word(),
            "created_at": time(milestone.created_at),
            "updated_at": time(milestone.updated_at),
            "due_on": maybe_time(milestone.due_on),
            "closed_at": maybe_time(milestone.closed_at),
        })
    }

    fn permissions(&self, repository: &Repository) -> Value {
        let admin = self.caller.administers(repository, self.world);
        let member = admin || self.caller.is_member(repository.owner_id, self.world);
        json!({ "admin": admin, "maintain": admin, "push": member, "triage": member, "pull": true })
    }
}
