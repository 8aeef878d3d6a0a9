//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, PackageId};

/// One crate of the project and those of its siblings that it may name.
struct Crate {
    name: &'static str,
    depends_on: &'static [&'static str],
    tests_depend_on: &'static [&'static str],
}

/// Down only. An edge that is missing here is a decision: see `crates/README.md`.
const HOUSE: [Crate; 12] = [
    Crate {
        name: "domain",
        depends_on: &[],
        tests_depend_on: &[],
    },
    Crate {
        name: "budget",
        depends_on: &["domain"],
        tests_depend_on: &[],
    },
    Crate {
        name: "pool-bench",
        depends_on: &["budget", "domain"],
        tests_depend_on: &[],
    },
    Crate {
        name: "forge",
        depends_on: &["budget", "domain"],
        tests_depend_on: &["forge-sim"],
    },
    Crate {
        name: "backup",
        depends_on: &["domain", "forge"],
        tests_depend_on: &["forge-sim"],
    },
    Crate {
        name: "store",
        depends_on: &["domain"],
        tests_depend_on: &[],
    },
    Crate {
        name: "scheduler",
        depends_on: &["backup", "domain", "forge", "store"],
        tests_depend_on: &["forge-sim"],
    },
    Crate {
        name: "server",
        depends_on: &["backup", "domain", "forge", "scheduler", "store", "web"],
        tests_depend_on: &[],
    },
    Crate {
        name: "web",
        // What a choice or a forecast is shown as, the planner has said: a pure function, and the very one that decides.
        depends_on: &["budget", "domain", "store"],
        tests_depend_on: &[],
    },
    Crate {
        name: "forge-sim",
        depends_on: &[],
        tests_depend_on: &[],
    },
    Crate {
        name: "xtask",
        depends_on: &[],
        tests_depend_on: &[],
    },
    Crate {
        name: "tests",
        depends_on: &["domain", "forge-sim", "server", "store", "web"],
        tests_depend_on: &[],
    },
];

/// Packages that must not be reachable from a crate's own code, and why.
const ABSENT: [(&str, &str, &str); 8] = [
    ("domain", "tokio", "its decisions do no I/O"),
    ("budget", "tokio", "its decisions do no I/O"),
    (
        "forge",
        "sqlx",
        "it sees a pool of credentials, never the database",
    ),
    (
        "backup",
        "sqlx",
        "a snapshot must be restorable without the database",
    ),
    (
        "store",
        "reqwest",
        "it speaks to Postgres and to nobody else",
    ),
    (
        "server",
        "forge-sim",
        "a simulator has no place in the product",
    ),
    ("web", "reqwest", "no page view waits for a host"),
    ("xtask", "tokio", "it must build before anything else does"),
];

/// Every edge that is not drawn, and every package where it must not be.
pub(crate) fn check(metadata: &Metadata) -> Vec<String> {
    let mut broken = edges(metadata);
    let graph = Graph::of(metadata);
    for (from, absent, reason) in ABSENT {
        if graph.reaches(from, absent) {
            broken.push(format!("{from} must not reach {absent}: {reason}"));
        }
    }
    broken
}

fn edges(metadata: &Metadata) -> Vec<String> {
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(known) = HOUSE.iter().find(|known| package.name == known.name) else {
            broken.push(format!("{} is not a crate of the house", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|one| one.path.is_some()) {
            let name = dependency.name.as_str();
            let is_drawn = known.depends_on.contains(&name)
                || (dependency.kind == DependencyKind::Development
                    && known.tests_depend_on.contains(&name));
            if !is_drawn {
                broken.push(format!("{} must not depend on {name}", package.name));
            }
        }
    }
    broken
}

/// What each package's own code needs, tests and build scripts left aside.
struct Graph<'a> {
    names: BTreeMap<&'a PackageId, &'a str>,
    needs: BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
}

impl<'a> Graph<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let names = metadata
            .packages
            .iter()
            .map(|package| (&package.id, package.name.as_str()))
            .collect();
        let needs = metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| {
                let normal = node
                    .deps
                    .iter()
                    .filter(|one| {
                        one.dep_kinds
                            .iter()
                            .any(|kind| kind.kind == DependencyKind::Normal)
                    })
                    .map(|one| &one.pkg)
                    .collect();
                (&node.id, normal)
            })
            .collect();
        Self { names, needs }
    }

    fn reaches(&self, from: &str, wanted: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&PackageId> = self
            .names
            .iter()
            .filter(|(_, name)| **name == from)
            .map(|(id, _)| *id)
            .collect();
        while let Some(id) = open.pop() {
            if self.names.get(id) == Some(&wanted) {
                return true;
            }
            if seen.insert(id) {
                open.extend(self.needs.get(id).into_iter().flatten());
            }
        }
        false
    }
}
