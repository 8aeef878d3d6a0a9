//! Files that people attached: what the lists of releases and of uploads name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use chrono::{DateTime, Utc};
use domain::{Kind, Omission, Reason};
use forge::{Client, Repository};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::download::Expected;
use crate::manifest::Asset;
use crate::snapshot::{Refusal, Stock};
use crate::{Error, staging};

/// Assets that come at the same time.
const STREAMS: usize = 3;

/// A release, as far as its assets go (GitHub docs, "List releases").
#[derive(Debug, Deserialize)]
struct Release {
    id: i64,
    #[serde(default)]
    assets: Vec<Listed>,
}

/// An asset, as the list of releases tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listed {
    id: i64,
    name: String,
    size: u64,
    /// `sha256:HEX`; older assets have none.
    digest: Option<String>,
    updated_at: Option<DateTime<Utc>>,
    /// `uploaded`, or `starter` for an upload that never ended and has no content.
    state: Option<String>,
}

/// A file that was attached to what people wrote (GitLab docs, "Project Markdown uploads API").
#[derive(Debug, Deserialize)]
struct Upload {
    id: i64,
    filename: String,
    size: u64,
    created_at: Option<DateTime<Utc>>,
}

/// Every asset of the stored list of releases, by its path in a snapshot.
pub(crate) fn of_releases(releases: &Path) -> Result<BTreeMap<String, Listed>, Error> {
    let mut all = BTreeMap::new();
    for release in stored::<Release>(releases)? {
        let whole = release.assets.into_iter().filter(|asset| {
            asset
                .state
                .as_deref()
                .is_none_or(|state| state == "uploaded")
        });
        all.extend(whole.map(|asset| (format!("assets/{}/{}", release.id, asset.id), asset)));
    }
    Ok(all)
}

/// Every file of the stored list of uploads, by its path in a snapshot.
pub(crate) fn of_uploads(uploads: &Path) -> Result<BTreeMap<String, Listed>, Error> {
    let listed = stored::<Upload>(uploads)?.into_iter().map(|upload| {
        let asset = Listed {
            id: upload.id,
            name: upload.filename,
            size: upload.size,
            digest: None,
            updated_at: upload.created_at,
            state: None,
        };
        (format!("assets/uploads/{}", upload.id), asset)
    });
    Ok(listed.collect())
}

/// The lines of a stored list; none if it was never written.
fn stored<T: DeserializeOwned>(list: &Path) -> Result<Vec<T>, Error> {
    let failed = |error: io::Error| Error::staging(list, &error);
    let file = match File::open(list) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    BufReader::new(file)
        .lines()
        .map(|line| {
            serde_json::from_str(&line.map_err(failed)?).map_err(|error| failed(error.into()))
        })
        .collect()
}

/// Assets that are there, and what is missing.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) assets: BTreeMap<String, Asset>,
    pub(crate) omissions: Vec<Omission>,
}

/// Fetches the assets that are new or changed, and those that neither this machine nor the parent snapshot has.
pub(crate) async fn fetch(
    client: &Client,
    repository: &Repository,
    listed: BTreeMap<String, Listed>,
    known: &BTreeMap<String, Asset>,
    stock: &Stock<'_>,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Fetched, Error> {
    let mut fetched = Fetched::default();
    let mut missing = Vec::new();
    for (path, asset) in listed {
        match asset.held(&path, known.get(&path), stock)? {
            Some(held) => {
                fetched.assets.insert(path, held);
            }
            None => missing.push((path, asset)),
        }
    }
    let total = missing.len() as u64;
    let mut done = 0;
    let mut assets = futures_util::stream::iter(missing)
        .map(|(path, asset)| async move {
            let outcome = asset.fetch(client, repository, &path, stock).await?;
            Ok::<_, Error>((path, outcome))
        })
        .buffer_unordered(STREAMS);
    while let Some(outcome) = assets.next().await {
        match outcome? {
            (path, Ok(asset)) => {
                fetched.assets.insert(path, asset);
            }
            (_, Err(omitted)) => fetched.omissions.push(omitted),
        }
        done += 1;
        progress(done, total);
    }
    fetched.omissions.sort();
    Ok(fetched)
}

impl Listed {
    fn expected(&self) -> Expected<'_> {
        Expected {
            name: &self.name,
            size: self.size,
            sha256: self
                .digest
                .as_deref()
                .and_then(|digest| digest.strip_prefix("sha256:")),
            modified: staging::fixed_time(self.updated_at),
        }
    }

    /// The asset as it is there already: fetched before and not changed since, or fetched by an attempt that was interrupted.
    fn held(
        &self,
        path: &str,
        known: Option<&Asset>,
        stock: &Stock<'_>,
    ) -> Result<Option<Asset>, Error> {
        let same = known.filter(|known| {
            known.updated_at == self.updated_at
                && self.expected().judge(&known.digest).is_ok()
                && stock.has(path, &known.digest)
        });
        if let Some(known) = same {
            return Ok(Some(Asset {
                name: self.name.clone(),
                ..known.clone()
            }));
        }
        let local = stock.local(path);
        let time = |path: &Path| path.metadata().and_then(|found| found.modified());
        if !time(&local).is_ok_and(|time| time == self.expected().modified) {
            return Ok(None);
        }
        let digest = crate::digest::of_file(&local)?;
        let sound = self.expected().judge(&digest).is_ok();
        Ok(sound.then(|| Asset {
            name: self.name.clone(),
            updated_at: self.updated_at,
            digest,
        }))
    }

    async fn fetch(
        &self,
        client: &Client,
        repository: &Repository,
        path: &str,
        stock: &Stock<'_>,
    ) -> Result<Result<Asset, Omission>, Error> {
        let open = || client.asset(repository, self.id);
        let omitted = |reason, detail: String| {
            Ok(Err(Omission {
                kind: Kind::Assets,
                reason,
                detail: format!("Asset {}: {detail}", self.name),
            }))
        };
        match self.expected().fetch(&stock.local(path), open).await {
            Ok(digest) => Ok(Ok(Asset {
                name: self.name.clone(),
                updated_at: self.updated_at,
                digest,
            })),
            Err(Error::Forge(error)) => match Refusal::judge(error)? {
                Refusal::Omit(reason, detail) => omitted(reason, detail),
                Refusal::Absent => {
                    omitted(Reason::NotFound, "the host has it no longer.".to_owned())
                }
            },
            Err(error) => Err(error),
        }
    }
}
