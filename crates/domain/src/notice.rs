//! What a host tells an application, as far as it matters here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that has happened on a host. Numbers are the host's.
///
/// GitHub docs, "Webhook events and payloads".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// The application was installed.
    Installed {
        /// The installation.
        installation: i64,
        /// The account that it is on.
        account: i64,
        /// Who had asked an owner for it, if somebody had.
        requester: Option<i64>,
    },
    /// It was taken off an account.
    Uninstalled {
        /// The installation that was.
        installation: i64,
    },
    /// An installation was suspended.
    Suspended {
        /// Which.
        installation: i64,
        /// By whom, if the host says so.
        by: Option<String>,
    },
    /// A suspended installation works again.
    Resumed {
        /// Which.
        installation: i64,
    },
    /// An installation covers other repositories than before.
    Repositories {
        /// Which.
        installation: i64,
        /// Those that it covers now.
        added: Vec<i64>,
        /// Those that it does not cover any more.
        removed: Vec<i64>,
    },
    /// An account has another name.
    AccountRenamed {
        /// Which.
        account: i64,
        /// Its name today.
        login: String,
    },
    /// A repository has another name, or another owner.
    RepositoryRenamed {
        /// Which.
        repository: i64,
        /// Its full name today.
        name: String,
    },
    /// Somebody has pushed.
    Pushed {
        /// To which repository.
        repository: i64,
    },
}

impl Notice {
    /// Reads what a host has sent; nothing if it does not matter here.
    pub fn read(event: &str, payload: &Value) -> Option<Self> {
        let number = |path: &str| payload.pointer(path).and_then(Value::as_i64);
        let text = |path: &str| payload.pointer(path).and_then(Value::as_str);
        let owned = |path: &str| text(path).map(str::to_owned);
        let action = text("/action").unwrap_or_default();
        match (event, action) {
            ("installation", "created") => Some(Self::Installed {
                installation: number("/installation/id")?,
                account: number("/installation/account/id")?,
                requester: number("/requester/id"),
            }),
            ("installation", "deleted") => Some(Self::Uninstalled {
                installation: number("/installation/id")?,
            }),
            ("installation", "suspend") => Some(Self::Suspended {
                installation: number("/installation/id")?,
                by: owned("/sender/login"),
            }),
            ("installation", "unsuspend") => Some(Self::Resumed {
                installation: number("/installation/id")?,
            }),
            ("installation_repositories", _) => {
                let ids = |path: &str| {
                    let list = payload.pointer(path).and_then(Value::as_array);
                    list.into_iter()
                        .flatten()
                        .filter_map(|one| one.get("id")?.as_i64())
                        .collect()
                };
                Some(Self::Repositories {
                    installation: number("/installation/id")?,
                    added: ids("/repositories_added"),
                    removed: ids("/repositories_removed"),
                })
            }
            ("installation_target", "renamed") => Some(Self::AccountRenamed {
                account: number("/account/id")?,
                login: owned("/account/login")?,
            }),
            ("repository", "renamed" | "transferred") => Some(Self::RepositoryRenamed {
                repository: number("/repository/id")?,
                name: owned("/repository/full_name")?,
            }),
            ("push", _) => Some(Self::Pushed {
                repository: number("/repository/id")?,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_matters_is_read_and_the_rest_is_not() {
        let created = json!({
            "action": "created",
            "installation": { "id": 7, "account": { "id": 9, "login": "acme" } },
            "requester": null,
        });
        assert_eq!(
            Notice::read("installation", &created),
            Some(Notice::Installed {
                installation: 7,
                account: 9,
                requester: None
            })
        );
        let push = json!({ "ref": "refs/heads/main", "repository": { "id": 3 } });
        assert_eq!(
            Notice::read("push", &push),
            Some(Notice::Pushed { repository: 3 })
        );
        assert_eq!(Notice::read("push", &json!({})), None);
        assert_eq!(Notice::read("star", &created), None);
    }
}
