//! Private authorities that vouch for the certificates of single hosts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use domain::Host;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;

use super::leaf;
use crate::{Error, Options};

/// A private authority of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateAuthority {
    /// Its certificates, PEM.
    pub pem: String,
    /// The same in a file, for git.
    pub file: PathBuf,
}

struct Trusted {
    authority: PrivateAuthority,
    connector: ReqwestConnector,
}

/// The private authorities, by the host and port of addresses. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Trust(Arc<RwLock<BTreeMap<String, Trusted>>>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(…)")
    }
}

impl Trust {
    /// Trusts these and no others. Answers the hosts whose authority cannot be understood.
    pub(crate) fn set(
        &self,
        options: &Options,
        authorities: &BTreeMap<String, PrivateAuthority>,
    ) -> Vec<(String, Error)> {
        let mut trusted = self.0.write().unwrap_or_else(PoisonError::into_inner);
        trusted.retain(|host, one| authorities.get(host) == Some(&one.authority));
        let mut refused = Vec::new();
        for (host, authority) in authorities {
            if trusted.contains_key(host) {
                continue;
            }
            match read(options, authority) {
                Ok(connector) => {
                    let one = Trusted {
                        authority: authority.clone(),
                        connector,
                    };
                    trusted.insert(host.clone(), one);
                }
                Err(error) => refused.push((host.clone(), error)),
            }
        }
        refused
    }

    pub(super) fn connector(&self, authority: &str) -> Option<ReqwestConnector> {
        let trusted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        trusted.get(authority).map(|one| one.connector.clone())
    }

    /// The file that git is to trust for a host.
    pub(crate) fn file(&self, host: &Host) -> Option<PathBuf> {
        let trusted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        trusted
            .get(&key(host))
            .map(|one| one.authority.file.clone())
    }
}

/// Host and port, as an address has them: a host's own path is no part of whom its certificate names.
pub(crate) fn key(host: &Host) -> String {
    let authority = host.authority();
    authority.split('/').next().unwrap_or_default().to_owned()
}

fn read(options: &Options, authority: &PrivateAuthority) -> Result<ReqwestConnector, Error> {
    let certificates =
        reqwest::Certificate::from_pem_bundle(authority.pem.as_bytes()).map_err(|error| {
            Error::Protocol {
                detail: format!("The private authority is no certificate in PEM: {error}."),
            }
        })?;
    if certificates.is_empty() {
        return Err(Error::Protocol {
            detail: "The private authority holds no certificate in PEM.".to_owned(),
        });
    }
    leaf::connector(options, &certificates)
}
