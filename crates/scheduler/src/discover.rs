//! Turns a run into fetches: lists the organization, and decides about each repository by the marks of the list.

use std::collections::{BTreeMap, BTreeSet};

use backup::snapshot::wiki_digest;
use domain::{Kind, RepositoryId};
use forge::{Client, Repository};
use futures_util::StreamExt;
use store::{ClaimedRun, FetchKind, FetchSize, ListedRepository, NewFetch};
use tracing::{info, warn};

use crate::Error;
use crate::engine::Engine;
use crate::forecast::{self, Costs};
use crate::planner::{self, Decision, Known};

mod claim;
mod unlisted;

pub(crate) use claim::run;

/// Wikis that are looked at at once: each look is a git process, and no API request.
const WIKIS_AT_ONCE: usize = 8;

/// Lists the run's organization and decides what to do about each repository of its plan, the largest first, so that the run does
/// not end with a long wait for one that began late.
async fn plan(
    engine: &Engine,
    claim: &ClaimedRun,
    client: &Client,
) -> Result<Vec<NewFetch>, Error> {
    let listed = list(engine, claim, client).await?;
    let ids = enter(engine, claim, &listed).await?;
    let lost = match &claim.only {
        None => unlisted::enter(engine, claim, &listed).await?,
        Some(only) => unlisted::among(only, &ids),
    };
    let forge_ids: Vec<i64> = listed.iter().map(|repository| repository.id).collect();
    let gone = engine
        .fleet
        .mark_gone(claim.tenant, claim.organization.id, &forge_ids)
        .await?;
    if gone > 0 {
        info!(
            gone,
            "Repositories are not listed any more; their snapshots are kept."
        );
    }
    let known = known(engine, claim).await?;
    let only: BTreeSet<RepositoryId> = claim.only.iter().flatten().copied().collect();
    let mut chosen: Vec<(Repository, RepositoryId)> = listed
        .into_iter()
        .zip(ids)
        .filter(|(repository, id)| match &claim.only {
            None => claim.plan.selection.includes(&repository.traits()),
            Some(_) => only.contains(id),
        })
        .collect();
    chosen.sort_by_key(|(repository, _)| std::cmp::Reverse(repository.disk_kib));
    let kinds = &claim.plan.content.kinds_of(claim.organization.host.kind());
    let costs = engine
        .fleet
        .repository_costs(claim.tenant, claim.organization.id)
        .await?;
    let costs = Costs::learn(&costs, claim.plan.id);
    let mut fetches: Vec<NewFetch> = futures_util::stream::iter(chosen)
        .map(async |(repository, id)| {
            let known = known.get(&repository.id);
            let kind = decide(engine, client, &repository, known, kinds).await;
            let is_sweep = kind == FetchKind::Sweep;
            let pages = forecast::pages(&repository, known, kinds, is_sweep);
            NewFetch {
                repository: id,
                kind,
                size: Some(FetchSize {
                    pages,
                    expected: costs.expect(id, is_sweep, pages),
                }),
            }
        })
        .buffered(WIKIS_AT_ONCE)
        .collect()
        .await;
    fetches.extend(lost);
    Ok(fetches)
}

/// Everything that the organization's accounts hold, each repository once.
async fn list(
    engine: &Engine,
    claim: &ClaimedRun,
    client: &Client,
) -> Result<Vec<Repository>, Error> {
    let mut listed: BTreeMap<i64, Repository> = BTreeMap::new();
    for account in &claim.organization.accounts {
        // An application that is installed on another account would see the public repositories of this one alone.
        let all = client.credentials();
        let client = client.among(engine.members.serving(all, &account.login));
        let account = forge::Account {
            id: account.forge_id,
            login: account.login.clone(),
            is_organization: account.is_organization,
        };
        let mut after = None;
        loop {
            let page = client.repositories(&account, after.as_deref()).await?;
            // A list that moves while it is read may name a repository twice.
            listed.extend(
                page.repositories
                    .into_iter()
                    .map(|repository| (repository.id, repository)),
            );
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(listed.into_values().collect())
}

/// Stores the list and answers the ids in its order.
async fn enter(
    engine: &Engine,
    claim: &ClaimedRun,
    listed: &[Repository],
) -> Result<Vec<RepositoryId>, Error> {
    let rows: Vec<ListedRepository> = listed
        .iter()
        .map(|repository| {
            Ok(ListedRepository {
                forge_id: repository.id,
                name: repository.name.clone(),
                listing: serde_json::to_value(repository).map_err(|error| {
                    forge::Error::Protocol {
                        detail: format!(
                            "The list's entry for {} cannot be kept: {error}.",
                            repository.name
                        ),
                    }
                })?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(engine
        .fleet
        .upsert_repositories(claim.tenant, claim.organization.id, &rows)
        .await?)
}

/// What the plan's last successful fetches left behind, by the host's number of the repository.
async fn known(engine: &Engine, claim: &ClaimedRun) -> Result<BTreeMap<i64, Known>, Error> {
    let states = engine
        .fleet
        .plan_states(claim.tenant, claim.plan.id)
        .await?;
    Ok(states
        .iter()
        .filter_map(|state| Some((state.forge_id, Known::read(state)?)))
        .collect())
}

async fn decide(
    engine: &Engine,
    client: &Client,
    repository: &Repository,
    known: Option<&Known>,
    kinds: &BTreeSet<Kind>,
) -> FetchKind {
    match planner::decide(repository, known, kinds, engine.clock.now()) {
        Decision::Unchanged => FetchKind::Unchanged,
        Decision::Fetch => FetchKind::Changed,
        Decision::Sweep => FetchKind::Sweep,
        Decision::AskWiki => match wiki_digest(client, repository).await {
            Ok(wiki) if known.is_some_and(|known| known.wiki == wiki) => FetchKind::Unchanged,
            Ok(_) => FetchKind::Changed,
            Err(error) => {
                warn!(repository = %repository.name, %error, "The wiki could not be looked at; the repository is fetched.");
                FetchKind::Changed
            }
        },
    }
}
