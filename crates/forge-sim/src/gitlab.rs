//! A simulator of GitLab, on top of a made-up world.
//!
//! It has the part of GitLab's REST interface, version 4, that a backup reads and a restore writes, git over smart HTTP, Git LFS, both
//! systems of limits, bans, and faults to order.
//!
//! Its own reading of GitLab's documents, beside GitHub's and independent of it: the two share git and time, nothing else.
//!
//! Start reading at [`world`], which is plain data; `seed` makes it from a [`Recipe`]; `api` is the way of every request,
//! `limits` what may stop it, [`Control`] the door for tests.
//!
//! Invariants: what a caller may not see does not exist for it. A refused request keeps counting. Limits of single endpoints
//! show in no header. A redirect for a moved project is for GET alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use tokio_util::sync::CancellationToken;

pub use control::Control;
pub use faults::{Answer, Fault};
pub use limits::{Limits, Rate};
pub use log::{Arrival, Log};
pub use recipe::{ProjectRecipe, Recipe, TokenRecipe, UserRecipe};

use crate::{Clock, Error, server};

mod api;
mod control;
mod door;
mod faults;
mod lfs;
mod limits;
mod log;
mod oauth;
mod page;
mod recipe;
mod seed;
mod show;
mod web;
pub mod world;

/// How a simulator is to be started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The world to make.
    pub recipe: Recipe,
    /// Where to listen.
    pub listen: SocketAddr,
    /// What is refused, and when.
    pub limits: Limits,
    /// Below which path the host lies: empty, or as in `/gitlab`.
    pub prefix: String,
    /// Lists longer than this do not say how long they are.
    pub totals_up_to: usize,
    /// Where to keep git repositories; a temporary folder when absent.
    pub state: Option<PathBuf>,
}

impl Options {
    /// The usual options for a recipe.
    pub fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            limits: Limits::default(),
            prefix: String::new(),
            totals_up_to: 10_000,
            state: None,
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Simulator {
    pub(crate) world: RwLock<world::World>,
    pub(crate) clock: Clock,
    pub(crate) ledger: Mutex<limits::Ledger>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) log: Mutex<Log>,
    /// The base of everything, without a slash at the end.
    pub(crate) base: String,
    pub(crate) prefix: String,
    pub(crate) totals_up_to: usize,
    pub(crate) root: PathBuf,
}

/// A running simulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    web: String,
    control_url: String,
    root: PathBuf,
    control: Control,
    stop: CancellationToken,
    /// Removed with the handle, unless the caller chose a folder to keep.
    _temporary: Option<tempfile::TempDir>,
}

impl Handle {
    /// The address a person would give for the host.
    pub fn web(&self) -> &str {
        &self.web
    }

    /// The base of REST.
    pub fn api(&self) -> String {
        format!("{}/api/v4", self.web)
    }

    /// The base of the door for tests over HTTP.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// The folder of the git repositories.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The door for tests.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Makes the world and starts to answer.
pub async fn start(options: Options) -> Result<Handle, Error> {
    let (root, temporary) = folder(options.state.as_deref())?;
    let clock = Clock::default();
    let (recipe, here, now) = (options.recipe.clone(), root.clone(), clock.now());
    let world = tokio::task::spawn_blocking(move || seed::grow(&recipe, &here, now))
        .await
        .map_err(|error| Error::Invalid(format!("the world could not be made: {error}")))??;
    let (listener, address) = server::bind(options.listen).await?;
    let base = format!("http://{address}{}", options.prefix);
    let simulator = Arc::new(Simulator {
        world: RwLock::new(world),
        clock,
        ledger: Mutex::new(limits::Ledger::new(options.limits)),
        faults: Mutex::default(),
        log: Mutex::default(),
        base: base.clone(),
        prefix: options.prefix,
        totals_up_to: options.totals_up_to,
        root: root.clone(),
    });
    let stop = CancellationToken::new();
    let app = api::router(Arc::clone(&simulator));
    server::serve_app(listener, app, stop.clone());
    let elsewhere = SocketAddr::new(options.listen.ip(), 0);
    let (door, door_address) = server::bind(elsewhere).await?;
    let control = Control::new(simulator);
    server::serve_app(door, door::router(control.clone()), stop.clone());
    Ok(Handle {
        control_url: format!("http://{door_address}{}", door::PREFIX),
        web: base,
        root,
        control,
        stop,
        _temporary: temporary,
    })
}

fn folder(state: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
    if let Some(state) = state {
        let root = state.join("projects");
        std::fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let root = root.canonicalize().map_err(Error::file(&root))?;
        return Ok((root, None));
    }
    let temporary = tempfile::Builder::new()
        .prefix("gitlab-sim-")
        .tempdir()
        .map_err(Error::file(std::env::temp_dir()))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}
