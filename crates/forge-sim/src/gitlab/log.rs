//! What arrived.

use std::collections::BTreeMap;

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whose token it had.
    pub user: Option<String>,
    /// The method.
    pub method: String,
    /// Path and query.
    pub address: String,
    /// What it was answered with.
    pub status: u16,
}

/// What arrived since the start or the last reset.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Requests of the API.
    pub api: Vec<Arrival>,
    /// Requests of git.
    pub git: Vec<Arrival>,
    /// Requests of Git LFS.
    pub lfs: Vec<Arrival>,
    /// Requests of OAuth's pages and tokens.
    pub pages: Vec<Arrival>,
}

impl Log {
    /// How many requests were refused for a limit.
    pub fn refused(&self) -> usize {
        self.all().filter(|one| one.status == 429).count()
    }

    /// How many came without a valid token, or with too small a one.
    pub fn unauthorized(&self) -> usize {
        self.all().filter(|one| one.status == 401).count()
    }

    /// API requests by the user who sent them.
    pub fn by_user(&self) -> BTreeMap<String, usize> {
        let mut users = BTreeMap::new();
        for user in self.api.iter().filter_map(|one| one.user.clone()) {
            *users.entry(user).or_default() += 1;
        }
        users
    }

    fn all(&self) -> impl Iterator<Item = &Arrival> {
        self.api
            .iter()
            .chain(&self.git)
            .chain(&self.lfs)
            .chain(&self.pages)
    }
}
