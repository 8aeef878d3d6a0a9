//! What happens on the forge, and what arrived there.

use std::time::Duration;

use forge_sim::control::RepositorySummary;
use forge_sim::{Fault, Mutation, Quota, Statistics};

use super::{ORGANIZATION, World, login};

/// How long requests may take to arrive.
const DEADLINE: Duration = Duration::from_mins(1);

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_millis(5);

impl World {
    pub(crate) fn fault(&self, fault: Fault) {
        self.sim.control().fault(fault);
    }

    pub(crate) fn heal(&self) {
        self.sim.control().clear_faults();
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.sim.control().statistics()
    }

    pub(crate) fn reset_statistics(&self) {
        self.sim.control().reset_statistics();
    }

    /// API requests of one user since the counters were reset.
    pub(crate) fn requests_of(&self, user: usize) -> u64 {
        self.statistics()
            .by_user
            .get(login(user))
            .map_or(0, |spent| spent.requests)
    }

    pub(crate) fn set_quota(&self, user: usize, limit: u64) {
        self.sim
            .control()
            .set_quota(login(user), Quota::both(limit))
            .unwrap();
    }

    pub(crate) fn mutate(&self, mutation: &Mutation) {
        self.sim.control().mutate(mutation).unwrap();
    }

    pub(crate) fn delete_repository(&self, name: &str) {
        self.mutate(&Mutation::DeleteRepository {
            repository: full(name),
        });
    }

    pub(crate) fn rename_repository(&self, name: &str, new: &str) {
        self.mutate(&Mutation::RenameRepository {
            repository: full(name),
            name: new.to_owned(),
        });
    }

    /// Gives every repository something new to back up.
    pub(crate) fn touch_every_repository(&self) {
        for repository in self.repositories() {
            if !repository.empty {
                self.mutate(&Mutation::Push {
                    repository: repository.full_name.clone(),
                    branch: None,
                    commits: 1,
                    forced: false,
                });
            }
            self.mutate(&Mutation::AddIssue {
                repository: repository.full_name,
                title: "One more".to_owned(),
                body: None,
            });
        }
    }

    pub(crate) fn repositories(&self) -> Vec<RepositorySummary> {
        let world = self.sim.control().world();
        let organization = world
            .organizations
            .into_iter()
            .find(|one| one.login == ORGANIZATION);
        organization.unwrap().repositories
    }

    pub(crate) fn repository(&self, name: &str) -> RepositorySummary {
        self.repositories()
            .into_iter()
            .find(|one| one.name == name)
            .unwrap()
    }

    /// Waits until so many API requests have arrived.
    pub(crate) async fn until_requests(&self, count: u64) {
        let arrived = tokio::time::timeout(DEADLINE, async {
            let mut look = tokio::time::interval(LOOK);
            while self.statistics().requests < count {
                look.tick().await;
            }
        });
        arrived.await.expect("the requests do not arrive");
    }
}

fn full(name: &str) -> String {
    format!("{ORGANIZATION}/{name}")
}
