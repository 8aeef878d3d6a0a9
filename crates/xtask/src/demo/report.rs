//! What the demo came to, and whether that is what it should be.

use serde::Serialize;

/// The last line that the demo prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) state: String,
    pub(crate) repositories: u64,
    pub(crate) snapshots: usize,
    pub(crate) restored_equal: usize,
    pub(crate) throttled_s: f64,
    pub(crate) bytes_stored: u64,
    pub(crate) credentials: Vec<Spent>,
}

/// What a credential was used for.
#[derive(Debug, Serialize)]
pub(crate) struct Spent {
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
}

/// What is expected of the run.
pub(crate) struct Expected<'a> {
    pub(crate) repositories: u64,
    pub(crate) restored: usize,
    /// The credential that no plan has switched on.
    pub(crate) unused: &'a str,
    /// The credentials that must have been used.
    pub(crate) used: [&'a str; 2],
}

impl Report {
    /// Everything that is not as it should be, a sentence each.
    pub(crate) fn faults(&self, expected: &Expected<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        if self.state != "complete" {
            faults.push(format!("The run is {}, not complete.", self.state));
        }
        if self.repositories != expected.repositories {
            faults.push(format!(
                "{} repositories were found, not {}.",
                self.repositories, expected.repositories
            ));
        }
        if self.snapshots as u64 != self.repositories {
            faults.push(format!("There are {} snapshots.", self.snapshots));
        }
        if self.restored_equal != expected.restored {
            faults.push(format!(
                "{} of {} restored repositories equal their source.",
                self.restored_equal, expected.restored
            ));
        }
        if self.throttled_s <= 0.0 {
            faults.push("The credentials never ran dry.".to_owned());
        }
        for spent in &self.credentials {
            if spent.refused > 0 {
                faults.push(format!(
                    "{} was refused {} times.",
                    spent.name, spent.refused
                ));
            }
            if spent.name == expected.unused && spent.requests > 0 {
                faults.push(format!(
                    "{} is not switched on, and was used {} times.",
                    spent.name, spent.requests
                ));
            }
        }
        for name in expected.used {
            if !self
                .credentials
                .iter()
                .any(|one| one.name == name && one.requests > 0)
            {
                faults.push(format!("{name} was not used."));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(name: &str, requests: u64, refused: u64) -> Spent {
        Spent {
            name: name.into(),
            requests,
            refused,
        }
    }

    fn good() -> Report {
        Report {
            state: "complete".into(),
            repositories: 40,
            snapshots: 40,
            restored_equal: 2,
            throttled_s: 12.5,
            bytes_stored: 1,
            credentials: vec![spent("main", 9, 0), spent("more", 9, 0), spent("off", 0, 0)],
        }
    }

    const EXPECTED: Expected<'_> = Expected {
        repositories: 40,
        restored: 2,
        used: ["main", "more"],
        unused: "off",
    };

    #[test]
    fn a_good_run_has_no_faults() {
        assert_eq!(good().faults(&EXPECTED), Vec::<String>::new());
    }

    #[test]
    fn each_promise_that_is_broken_is_a_fault() {
        let broken: [fn(&mut Report); 7] = [
            |report| report.state = "failed".into(),
            |report| report.snapshots = 39,
            |report| report.restored_equal = 1,
            |report| report.throttled_s = 0.0,
            |report| report.credentials[0].refused = 1,
            |report| report.credentials[1].requests = 0,
            |report| report.credentials[2].requests = 1,
        ];
        for (position, breaks) in broken.into_iter().enumerate() {
            let mut report = good();
            breaks(&mut report);
            assert_eq!(report.faults(&EXPECTED).len(), 1, "promise {position}");
        }
    }
}
