//! A simulator of GitHub, and one of GitLab in [`gitlab`]. Of GitHub: the part of its REST and GraphQL interfaces that a backup
//! reads, git over smart HTTP, Git LFS, signed downloads, Apps with their pages and messages, limits, and faults to order, on
//! top of a made-up world.
//!
//! It has its own reading of GitHub's documents and depends on no other crate of this workspace, so that a
//! misunderstanding of the client is not shared by its peer. It refuses to write to repositories: a backup only reads.
//!
//! Start reading at [`world`], which is plain data; `seed` makes it from a [`Recipe`], `rest`, `graphql`, `web` and
//! `download` are views of it, `api` is the way of every request, [`control`] the door for tests.
//!
//! Invariants: the same recipe and seed make the same world, down to git object ids. Nothing outside `world` holds state
//! about repositories. Every decision about time asks [`Clock`]. A repository that a caller may not see does not exist
//! for it, on every interface. An authorized 304 costs nothing.

#![recursion_limit = "256"]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, RwLock};

use tokio_util::sync::CancellationToken;

pub use apps::life::AppKeys;
pub use chaos::{Cut, Effect, Fault};
pub use clock::Clock;
pub use control::{Control, Mutation};
pub use error::Error;
pub use handle::{Handle, Secure};
pub use options::Options;
pub use quota::{Limits, Quota};
pub use recipe::{
    AppRecipe, GitSource, OrganizationRecipe, Profile, Recipe, RepositoryRecipe, UserRecipe,
};
pub use statistics::{Statistics, UserStatistics};

mod api;
mod apps;
mod caller;
mod chaos;
mod clock;
pub mod control;
mod download;
mod error;
mod etag;
mod git;
pub mod gitlab;
pub mod graphql;
mod handle;
mod lock;
mod options;
mod query;
mod quota;
mod recipe;
mod reply;
pub mod rest;
mod seed;
mod server;
mod state;
mod statistics;
mod urls;
mod web;
pub mod world;

use state::{Settings, Simulator};
use urls::Entrance;

/// Makes the world and starts to answer.
pub async fn start(options: Options) -> Result<Handle, Error> {
    let (root, temporary) = folder(&options)?;
    let clock = Clock::default();
    let (recipe, at, here) = (options.recipe.clone(), clock.now(), root.clone());
    let (mut world, quotas) = tokio::task::spawn_blocking(move || seed::grow(&recipe, &here, at))
        .await
        .map_err(|error| Error::Invalid(format!("the world could not be made: {error}")))??;
    let mut ledger = quota::Ledger::new(options.limits.clone());
    for quota in quotas {
        let own = Quota {
            core: quota.core,
            graphql: quota.graphql,
        };
        ledger.set_quota(quota.user_id, own);
    }

    let elsewhere = SocketAddr::new(options.listen.ip(), 0);
    let (main, main_address) = server::bind(options.listen).await?;
    world.apps.web = format!("http://{main_address}");
    let (downloads, download_address) = server::bind(elsewhere).await?;
    let (door, door_address) = server::bind(elsewhere).await?;
    let simulator = Arc::new(Simulator {
        world: RwLock::new(world),
        clock,
        ledger: Mutex::new(ledger),
        faults: Mutex::new(chaos::FaultBook::new(options.recipe.seed)),
        statistics: Mutex::default(),
        in_flight: AtomicUsize::new(0),
        last_request: AtomicU64::new(0),
        mail: tokio::sync::Notify::new(),
        settings: Settings {
            seed: options.recipe.seed,
            limits: options.limits,
            latency: options.latency,
            opaque_etags: options.opaque_etags,
            cursor_issues_above: options.cursor_issues_above,
            root: root.clone(),
            download_port: download_address.port(),
            signing_key: options
                .recipe
                .seed
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_be_bytes()
                .repeat(2)
                .try_into()
                .unwrap_or_default(),
        },
    });

    let stop = CancellationToken::new();
    let secure = if options.tls {
        Some(start_tls(&simulator, elsewhere, &root, &stop).await?)
    } else {
        None
    };
    let entrance = Entrance {
        scheme: "http",
        authority: main_address.to_string(),
    };
    server::serve_host(main, Arc::clone(&simulator), entrance, stop.clone());
    tokio::spawn(apps::hooks::carry(Arc::clone(&simulator), stop.clone()));
    server::serve_downloads(downloads, Arc::clone(&simulator), stop.clone());
    server::serve_control(door, Arc::clone(&simulator), stop.clone());
    Ok(Handle {
        web: format!("http://{main_address}"),
        download: format!("http://{download_address}"),
        control_url: format!("http://{door_address}{}", control::door::PREFIX),
        secure,
        root,
        control: Control::new(simulator),
        stop,
        _temporary: temporary,
    })
}

async fn start_tls(
    simulator: &Arc<Simulator>,
    address: SocketAddr,
    root: &std::path::Path,
    stop: &CancellationToken,
) -> Result<Secure, Error> {
    let (listener, address) = server::bind(address).await?;
    let (listener, certificate) = server::tls::TlsListener::new(listener, root)?;
    let entrance = Entrance {
        scheme: "https",
        authority: address.to_string(),
    };
    server::serve_host_over_tls(listener, Arc::clone(simulator), entrance, stop.clone());
    Ok(Secure {
        web: format!("https://{address}"),
        certificate,
    })
}

/// The folder for git repositories, and what removes it again.
fn folder(options: &Options) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
    if let Some(state) = &options.state {
        let root = state.join("repositories");
        std::fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let root = root.canonicalize().map_err(Error::file(&root))?;
        return Ok((root, None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("forge-sim-")
        .tempdir()
        .map_err(Error::file(std::env::temp_dir()))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}
