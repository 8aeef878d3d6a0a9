//! LFS objects: all that any commit ever pointed to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use domain::{Kind, Omission, Reason};
use forge::{Client, LfsObject, LfsPointer, Repository};
use futures_util::StreamExt;

use crate::download::Expected;
use crate::git::{Failure, Mirror, References};
use crate::manifest::Digest;
use crate::snapshot::{Refusal, Stock};
use crate::{Error, staging};

/// Objects a batch request names (git-lfs, docs/api/batch.md: "recommended to be 100").
const BATCH: usize = 100;
/// Objects that come at the same time.
const STREAMS: usize = 4;

/// What was searched, so that the next search begins where this one ended.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Searched {
    tips: BTreeSet<String>,
    pointers: BTreeSet<LfsPointer>,
}

/// Finds every pointer in the mirror's history. Those found before stay, even if nothing leads to them any more.
pub(crate) async fn pointers(
    mirror: &Mirror,
    references: &References,
    memory: PathBuf,
    held: &BTreeMap<String, Digest>,
) -> Result<BTreeSet<LfsPointer>, PointersError> {
    let mut searched: Searched = staging::read_json(&memory)?.unwrap_or_default();
    let found = mirror.pointers(references.objects(), &searched.tips).await;
    searched.pointers.extend(found.map_err(PointersError::Git)?);
    searched.tips = references.objects().map(str::to_owned).collect();
    staging::write_json(&memory, &searched)?;
    let mut all = searched.pointers;
    all.extend(held.values().map(|digest| LfsPointer {
        oid: digest.sha256.clone(),
        size: digest.size,
    }));
    Ok(all)
}

/// Why the search failed.
#[derive(Debug)]
pub(crate) enum PointersError {
    Git(Failure),
    Staging(Error),
}

impl From<Error> for PointersError {
    fn from(error: Error) -> Self {
        Self::Staging(error)
    }
}

/// Where an object lies in a snapshot.
pub(crate) fn path(oid: &str) -> String {
    let part = |range| oid.get(range).unwrap_or_default();
    format!("lfs/{}/{}/{oid}", part(0..2), part(2..4))
}

/// Objects that are there, and what is missing.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) objects: BTreeMap<String, Digest>,
    pub(crate) omissions: Vec<Omission>,
}

/// Fetches the objects that neither this machine nor the parent snapshot has.
pub(crate) async fn fetch(
    client: &Client,
    repository: &Repository,
    pointers: &BTreeSet<LfsPointer>,
    stock: &Stock<'_>,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Fetched, Error> {
    let mut fetched = Fetched::default();
    let mut missing = Vec::new();
    for pointer in pointers {
        let digest = Digest {
            size: pointer.size,
            sha256: pointer.oid.clone(),
        };
        if stock.has(&path(&pointer.oid), &digest) {
            fetched.objects.insert(path(&pointer.oid), digest);
        } else {
            missing.push(pointer.clone());
        }
    }
    let total = missing.len() as u64;
    let mut done = 0;
    for batch in missing.chunks(BATCH) {
        let answered = match client.lfs_batch(repository, batch).await {
            Ok(answered) => answered,
            Err(error) => match Refusal::judge(error)? {
                Refusal::Omit(reason, detail) => {
                    let detail = format!("{} LFS objects: {detail}", total - done);
                    fetched.omissions.push(omission(reason, detail));
                    return Ok(fetched);
                }
                Refusal::Absent => {
                    let detail = format!(
                        "{} LFS objects: the host has Git LFS switched off.",
                        total - done
                    );
                    fetched.omissions.push(omission(Reason::NotFound, detail));
                    return Ok(fetched);
                }
            },
        };
        let named: BTreeSet<&str> = answered.iter().map(|object| object.oid.as_str()).collect();
        for forgotten in batch
            .iter()
            .filter(|pointer| !named.contains(pointer.oid.as_str()))
        {
            let detail = format!("The host did not answer for LFS object {}.", forgotten.oid);
            fetched.omissions.push(omission(Reason::HostError, detail));
        }
        let mut objects = futures_util::stream::iter(answered)
            .map(|object| one(client, object, stock))
            .buffer_unordered(STREAMS);
        while let Some(outcome) = objects.next().await {
            match outcome? {
                Ok((path, digest)) => {
                    fetched.objects.insert(path, digest);
                }
                Err(omitted) => fetched.omissions.push(omitted),
            }
            done += 1;
            progress(done, total);
        }
    }
    fetched.omissions.sort();
    Ok(fetched)
}

async fn one(
    client: &Client,
    object: LfsObject,
    stock: &Stock<'_>,
) -> Result<Result<(String, Digest), Omission>, Error> {
    let path = path(&object.oid);
    let name = format!("LFS object {}", object.oid);
    let outcome = match &object.action {
        Ok(action) => {
            let expected = Expected {
                name: &name,
                size: object.size,
                sha256: Some(&object.oid),
                modified: staging::fixed_time(None),
            };
            expected
                .fetch(&stock.local(&path), || client.lfs_download(action))
                .await
        }
        Err(error) => Err(error.clone().into()),
    };
    match outcome {
        Ok(digest) => Ok(Ok((path, digest))),
        Err(Error::Forge(error)) => match Refusal::judge(error)? {
            Refusal::Omit(reason, detail) => Ok(Err(omission(reason, format!("{name}: {detail}")))),
            Refusal::Absent => Ok(Err(omission(
                Reason::NotFound,
                format!("The host has no {name}."),
            ))),
        },
        Err(error) => Err(error),
    }
}

fn omission(reason: Reason, detail: String) -> Omission {
    Omission {
        kind: Kind::Lfs,
        reason,
        detail,
    }
}
