//! The door for tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::world::{Application, Code, World};
use super::{Fault, Limits, Log, Simulator, oauth, seed};
use crate::error::Error;
use crate::git::{push, refs};
use crate::lock::{lock, read, write};

/// Operates a running simulator.
#[derive(Debug, Clone)]
pub struct Control {
    simulator: Arc<Simulator>,
}

impl Control {
    pub(super) fn new(simulator: Arc<Simulator>) -> Self {
        Self { simulator }
    }

    /// What arrived since the start or the last reset.
    pub fn log(&self) -> Log {
        lock(&self.simulator.log).clone()
    }

    /// Forgets what arrived; limits stay as they are.
    pub fn reset_log(&self) {
        *lock(&self.simulator.log) = Log::default();
    }

    /// Moves the simulated time forward.
    pub fn advance(&self, by: Duration) {
        self.simulator.clock.advance(by);
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        self.simulator.clock.now()
    }

    /// Orders answers.
    pub fn fault(&self, fault: Fault) {
        lock(&self.simulator.faults).push(fault);
    }

    /// Changes what is refused, from now on.
    pub fn set_limits(&self, limits: Limits) {
        lock(&self.simulator.ledger).limits = limits;
    }

    /// Looks at everything that exists.
    pub fn with_world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&read(&self.simulator.world))
    }

    /// Changes anything.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut write(&self.simulator.world))
    }

    /// The first token of a user that still works, in clear.
    pub fn token(&self, username: &str) -> Option<String> {
        let now = self.now();
        self.with_world(|world| {
            let user = world
                .users
                .values()
                .find(|user| user.username == username)?;
            let token = world
                .tokens
                .iter()
                .find(|token| token.user == user.id && token.is_valid(now))?;
            Some(token.value.clone())
        })
    }

    /// The number of a user.
    pub fn user(&self, username: &str) -> Option<u64> {
        self.with_world(|world| {
            let user = world.users.values().find(|user| user.username == username);
            user.map(|user| user.id)
        })
    }

    /// Revokes every token of a user.
    pub fn revoke(&self, username: &str) {
        let Some(id) = self.user(username) else {
            return;
        };
        self.change(|world| {
            for token in world.tokens.iter_mut().filter(|token| token.user == id) {
                token.revoked = true;
            }
        });
    }

    /// Makes an application that people can authorize.
    pub fn add_application(
        &self,
        name: &str,
        redirect_uris: Vec<String>,
        scopes: Vec<String>,
    ) -> Application {
        let application = Application {
            name: name.to_owned(),
            client_id: oauth::secret(),
            secret: format!("gloas-{}", oauth::secret()),
            redirect_uris,
            scopes,
        };
        self.change(|world| world.applications.push(application.clone()));
        application
    }

    /// A code as a browser carries it, for a challenge.
    pub fn grant(&self, application: &Application, user: u64, challenge: &str) -> String {
        let code = Code {
            value: oauth::secret(),
            application: application.client_id.clone(),
            user,
            scopes: application.scopes.clone(),
            redirect_uri: application
                .redirect_uris
                .first()
                .cloned()
                .unwrap_or_default(),
            challenge: Some(challenge.to_owned()),
            ends_at: self.now() + oauth::CODE,
        };
        self.change(|world| world.codes.push(code.clone()));
        code.value
    }

    /// Adds a commit to a project's default branch.
    pub fn push(&self, project: &str) -> Result<String, Error> {
        let now = self.now();
        let git = self.change(|world| {
            let id = world.project(project)?.id;
            let project = world.projects.get_mut(&id)?;
            project.touch(now);
            Some(project.git.clone())
        });
        let git = git.ok_or_else(|| Error::Unknown(project.to_owned()))?;
        push::push(&git, "main", 1, false, "author", now)
    }

    /// Says something about an issue.
    pub fn say(&self, project: &str, iid: u64, body: &str) -> Result<(), Error> {
        let now = self.now();
        let said = self.change(|world| {
            let id = world.project(project)?.id;
            let author = serde_json::json!({ "id": 1, "username": "author", "name": "Author" });
            let note = seed::note(world, &author, body, now);
            let project = world.projects.get_mut(&id)?;
            project.touch(now);
            let issue = project.issues.get_mut(&iid)?;
            issue.updated_at = now;
            let mut random = fastrand::Rng::with_seed(now.timestamp_micros().unsigned_abs());
            issue.discussions.push(seed::discussion(&mut random, note));
            Some(())
        });
        said.ok_or_else(|| Error::Unknown(format!("{project}#{iid}")))
    }

    /// Gives a project another path; the one it had leads to it.
    pub fn rename(&self, project: &str, path: &str) -> Result<(), Error> {
        let renamed = self.change(|world| {
            let found = world.project(project)?;
            let (id, was) = (found.id, world.project_path(found));
            let project = world.projects.get_mut(&id)?;
            project.former.push(was);
            path.clone_into(&mut project.path);
            Some(())
        });
        renamed.ok_or_else(|| Error::Unknown(project.to_owned()))
    }

    /// The references of a project, by name.
    pub fn references(&self, project: &str) -> BTreeMap<String, String> {
        let git = self.with_world(|world| world.project(project).map(|one| one.git.clone()));
        git.map(|git| refs::all(&git)).unwrap_or_default()
    }
}
