//! The simulated world as plain structs; HTTP and git are views of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use crate::world::Content;

/// Roles, as numbers that can be compared (GitLab docs, "Access levels").
pub mod role {
    /// Sees.
    pub const GUEST: u64 = 10;
    /// Reads code.
    pub const REPORTER: u64 = 20;
    /// Writes code.
    pub const DEVELOPER: u64 = 30;
    /// Sees settings.
    pub const MAINTAINER: u64 = 40;
    /// May everything.
    pub const OWNER: u64 = 50;
}

/// Everything that exists.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// People and bots, by number.
    pub users: BTreeMap<u64, User>,
    /// Every token ever made.
    pub tokens: Vec<Token>,
    /// Groups, by number.
    pub groups: BTreeMap<u64, Group>,
    /// Projects, by number.
    pub projects: BTreeMap<u64, Project>,
    /// Applications that people can authorize.
    pub applications: Vec<Application>,
    /// Codes that were given to browsers and have not counted.
    pub codes: Vec<Code>,
    /// Whether what needs a paid tier is there.
    pub premium: bool,
    next: u64,
}

/// A person or a bot.
#[derive(Debug, Clone)]
pub struct User {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub username: String,
    /// Whether no person is behind it.
    pub bot: bool,
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its number.
    pub id: u64,
    /// In clear: this is a simulator.
    pub value: String,
    /// Whose it is.
    pub user: u64,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The day at whose beginning it ends.
    pub expires_at: Option<NaiveDate>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Those that were made from each other by rotation.
    pub family: u64,
    /// What makes it a token of OAuth.
    pub grant: Option<Grant>,
}

/// An application that people can authorize.
#[derive(Debug, Clone)]
pub struct Application {
    /// What people read.
    pub name: String,
    /// What it calls itself.
    pub client_id: String,
    /// What proves that.
    pub secret: String,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
    /// What it may ask for.
    pub scopes: Vec<String>,
}

/// What a browser carries from the host to an application.
#[derive(Debug, Clone)]
pub struct Code {
    /// In clear.
    pub value: String,
    /// For whom.
    pub application: String,
    /// Who has granted.
    pub user: u64,
    /// What.
    pub scopes: Vec<String>,
    /// Where the browser was sent.
    pub redirect_uri: String,
    /// What the application has to prove.
    pub challenge: Option<String>,
    /// Until when it counts.
    pub ends_at: DateTime<Utc>,
}

/// What belongs to a token that a person has granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// To whom.
    pub application: String,
    /// What another pair is had for.
    pub refresh: String,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its number.
    pub id: u64,
    /// The group above.
    pub parent: Option<u64>,
    /// The last part of its path.
    pub path: String,
    /// Direct members and their roles.
    pub members: BTreeMap<u64, u64>,
    /// Further lists, by the last part of their address.
    pub lists: BTreeMap<String, Vec<Value>>,
}

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its number.
    pub id: u64,
    /// The group that it is in.
    pub group: u64,
    /// The last part of its path.
    pub path: String,
    /// Its description.
    pub description: String,
    /// `private` or `public`.
    pub visibility: &'static str,
    /// Whether it is read-only.
    pub archived: bool,
    /// Switches by name, such as `issues_access_level`.
    pub features: BTreeMap<String, String>,
    /// The branch that git shows first.
    pub default_branch: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its record changed.
    pub updated_at: DateTime<Utc>,
    /// When something happened in it: moves at most once an hour.
    pub last_activity_at: DateTime<Utc>,
    /// Whole paths that it had before.
    pub former: Vec<String>,
    /// The repository on disk.
    pub git: PathBuf,
    /// The wiki's, if it has one.
    pub wiki: Option<PathBuf>,
    /// Whether Git LFS is switched on: then a push without its objects is refused.
    pub lfs_enabled: bool,
    /// Git LFS objects by SHA-256.
    pub lfs: BTreeMap<String, Content>,
    /// The bytes of uploads by number.
    pub uploads: BTreeMap<u64, Content>,
    /// Texts of snippets by number.
    pub snippets: BTreeMap<u64, String>,
    /// Issues by their number in the project.
    pub issues: BTreeMap<u64, Item>,
    /// Merge requests by their number in the project.
    pub merge_requests: BTreeMap<u64, Item>,
    /// Every other list, by the last part of its address.
    pub lists: BTreeMap<String, Vec<Value>>,
}

/// An issue or a merge request.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its fields, less those that follow from elsewhere.
    pub fields: Value,
    /// When it changed.
    pub updated_at: DateTime<Utc>,
    /// What was said, thread by thread.
    pub discussions: Vec<Discussion>,
    /// Award emoji on it.
    pub awards: Vec<Value>,
    /// Who has approved of it, if it is a merge request.
    pub approved_by: Vec<Value>,
}

/// A thread.
#[derive(Debug, Clone)]
pub struct Discussion {
    /// 40 hexadecimal digits.
    pub id: String,
    /// Its notes, oldest first.
    pub notes: Vec<Value>,
}

impl World {
    /// A number that nothing has yet.
    pub fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The path of a group with those above it.
    pub fn group_path(&self, id: u64) -> String {
        let Some(group) = self.groups.get(&id) else {
            return String::new();
        };
        match group.parent {
            Some(parent) => format!("{}/{}", self.group_path(parent), group.path),
            None => group.path.clone(),
        }
    }

    /// The whole path of a project.
    pub fn project_path(&self, project: &Project) -> String {
        format!("{}/{}", self.group_path(project.group), project.path)
    }

    /// A group by number or path.
    pub fn group(&self, named: &str) -> Option<&Group> {
        if let Ok(id) = named.parse() {
            return self.groups.get(&id);
        }
        self.groups
            .values()
            .find(|group| self.group_path(group.id).eq_ignore_ascii_case(named))
    }

    /// A project by number or whole path.
    pub fn project(&self, named: &str) -> Option<&Project> {
        if let Ok(id) = named.parse() {
            return self.projects.get(&id);
        }
        self.projects
            .values()
            .find(|project| self.project_path(project).eq_ignore_ascii_case(named))
    }

    /// A project that had a path before.
    pub fn moved(&self, path: &str) -> Option<&Project> {
        let had = |project: &&Project| project.former.iter().any(|one| one == path);
        self.projects.values().find(had)
    }

    /// Whether a group is another, or below it.
    pub fn is_within(&self, group: u64, above: u64) -> bool {
        group == above
            || self
                .groups
                .get(&group)
                .and_then(|group| group.parent)
                .is_some_and(|parent| self.is_within(parent, above))
    }

    /// A user's role in a group, inherited ones included.
    pub fn role_in(&self, user: u64, group: u64) -> u64 {
        let Some(group) = self.groups.get(&group) else {
            return 0;
        };
        let own = group.members.get(&user).copied().unwrap_or(0);
        let inherited = group.parent.map_or(0, |parent| self.role_in(user, parent));
        own.max(inherited)
    }
}

impl Token {
    /// Whether it still works.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        !self.revoked
            && self.expires_at.is_none_or(|end| now.date_naive() < end)
            && self.grant.as_ref().is_none_or(|grant| now < grant.ends_at)
    }
}

impl Project {
    /// Something happened: the date moves if it is an hour old.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        if now - self.last_activity_at >= TimeDelta::hours(1) {
            self.last_activity_at = now;
        }
    }

    /// Whether a feature is switched off.
    pub fn is_off(&self, feature: &str) -> bool {
        self.features
            .get(feature)
            .is_some_and(|level| level == "disabled")
    }
}
