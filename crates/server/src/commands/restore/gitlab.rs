//! Bringing a project back to a GitLab: first what would be done, then, with `--yes`, doing it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use backup::replay::{Plan, Replay, Replayed, Target};
use domain::{CredentialId, ForgeKind, Health, Host, Kind};
use forge::{Client, Forge, Member, Pool, Scope, Sharing, Terms};
use serde_json::json;
use store::Act;
use tokio_util::sync::CancellationToken;

use crate::commands::snapshots;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::secret_file;

/// How long a request may wait for the host's limits.
const PATIENCE: Duration = Duration::from_hours(2);

/// Where to, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct ToGitLab {
    /// Bring it back to this GitLab in place of a folder: gitlab.com, or the address of your own.
    #[arg(long, value_name = "URL", conflicts_with = "to", requires_all = ["group", "token_file"])]
    to_gitlab: Option<String>,
    /// The group that the project is to be in.
    #[arg(long, value_name = "PATH")]
    group: Option<String>,
    /// What the project is to be called [default: what it was called].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A file with a token that may write: scope api, role owner of the group so that numbers and dates are kept.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Do it. Without this it is only said what would be done.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn execute(
    context: &Context,
    snapshot: &str,
    arguments: ToGitLab,
) -> Result<Exit, Error> {
    let (Some(url), Some(group), Some(token_file)) =
        (arguments.to_gitlab, arguments.group, arguments.token_file)
    else {
        return Err(Error::input("Name a GitLab, a group and a token file."));
    };
    let host = Host::parse(ForgeKind::GitLab, &url, &context.config.http_allowed)?;
    let scoped = context.scoped().await?;
    let snapshot = snapshots::find(&scoped, snapshot).await?;
    let source = scoped.organization(snapshot.organization).await?;
    if source.is_some_and(|one| one.host.kind() != ForgeKind::GitLab) {
        return Err(Error::input(format!(
            "{} was not on a GitLab, and cannot be brought back to one: restore it into a folder with --to.",
            snapshot.repository_name
        )));
    }
    let target = Target {
        group,
        name: arguments
            .name
            .unwrap_or_else(|| snapshot.repository_name.name().to_owned()),
    };
    let token = secret_file::token(ForgeKind::GitLab, &token_file)?;
    let cancel = CancellationToken::new();
    let client = writer(context, &host, token, &cancel).await?;
    let data = &context.config.data;
    let folder = std::fs::create_dir_all(data)
        .and_then(|()| tempfile::tempdir_in(data))
        .map_err(|error| {
            Error::Failed(format!(
                "No folder can be made in {}: {error}.",
                data.display()
            ))
        })?;
    let place = context
        .open_storage(&scoped, snapshot.organization, snapshot.storage)
        .await?;
    let restored = folder.path().join("snapshot");
    place
        .restore(&snapshot.restic_id, &restored, &|_| {})
        .await?;
    let replay = Replay::open(&client, &restored, target.clone(), cancel)?;
    let plan = replay.plan().await?;
    if !arguments.yes {
        let document = json!({
            "to": format!("{host}/{}", target.path()),
            "goes_on": plan.goes_on,
            "writes": plan.writes,
            "stays": plan.stays,
            "at_least_seconds": plan.at_least.map(|least| least.as_secs()),
        });
        context
            .output
            .answer(&document, || planned(&host, &target, &plan));
        return Ok(Exit::Complete);
    }
    let repository = snapshot.repository_name.to_string();
    scoped
        .record(Act {
            action: "snapshot.restore",
            subject: ("repository", snapshot.repository.0, &repository),
            before: None,
            after: Some(
                json!({ "snapshot": snapshot.id, "to": format!("{host}/{}", target.path()) }),
            ),
        })
        .await?;
    let replayed = replay
        .run(&|kind, count| tracing::debug!(%kind, count, "brought back"))
        .await?;
    let document = json!({
        "to": format!("{host}/{}", target.path()),
        "made": replayed.made,
        "found": replayed.found,
        "stays": plan.stays,
    });
    context
        .output
        .answer(&document, || done(&host, &target, &plan, &replayed));
    Ok(Exit::Complete)
}

/// A session that writes with this token and keeps to the host's limits.
async fn writer(
    context: &Context,
    host: &Host,
    token: domain::Secret,
    cancel: &CancellationToken,
) -> Result<Client, Error> {
    let pool = Pool::new(context.clock.clone(), Sharing::Alone);
    let forge = Forge::new(
        pool.clone(),
        context.clock.clone(),
        forge::Options::default(),
    )?;
    let owner = forge.owner(host, &token).await?;
    let may_write = |scopes: &[String]| scopes.iter().any(|scope| scope == "api");
    if owner
        .scopes
        .as_deref()
        .is_some_and(|scopes| !may_write(scopes))
    {
        return Err(Error::input(format!(
            "The token of {} may only read: give one with the scope api.",
            owner.login
        )));
    }
    let id = CredentialId::new();
    pool.agree(&owner.bucket, Terms::of(host));
    pool.insert(Member {
        id,
        name: owner.login,
        bucket: owner.bucket,
        token,
        reserve_percent: 0,
        health: Health::Healthy,
        renewable: false,
    });
    Ok(forge.session(
        host,
        Scope {
            credentials: vec![id],
            repository: None,
            patience: PATIENCE,
            cancel: cancel.clone(),
        },
    ))
}

fn planned(host: &Host, target: &Target, plan: &Plan) -> String {
    let verb = if plan.goes_on {
        "would be completed"
    } else {
        "would be made"
    };
    let begun = format!(
        "{host}/{} {verb} with {}.",
        target.path(),
        counts(&plan.writes)
    );
    let least = plan.at_least.filter(|least| least.as_secs() > 60);
    let least = least.map(|least| {
        let minutes = least.as_secs().div_ceil(60);
        format!("The host's limits make it take at least {minutes} minutes.")
    });
    let end = "Nothing was written: say --yes to do it.".to_owned();
    let lines = [begun].into_iter().chain(least).chain(stays(plan));
    lines.chain([end]).collect::<Vec<_>>().join("\n")
}

fn done(host: &Host, target: &Target, plan: &Plan, replayed: &Replayed) -> String {
    let there = match &replayed.found {
        found if found.is_empty() => String::new(),
        found => format!(", {} there already", counts(found)),
    };
    let made = format!(
        "Brought back to {host}/{}: {} made{there}.",
        target.path(),
        counts(&replayed.made)
    );
    let lines = [made].into_iter().chain(stays(plan));
    lines.collect::<Vec<_>>().join("\n")
}

fn stays(plan: &Plan) -> impl Iterator<Item = String> {
    let stays = plan.stays.iter();
    stays.map(|one| format!("Stays in the snapshot: {one}."))
}

/// "3 labels, 5 issues".
fn counts(counts: &BTreeMap<Kind, u64>) -> String {
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    let each: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.as_str().replace('_', " ")))
        .collect();
    each.join(", ")
}
