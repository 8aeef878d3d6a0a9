//! The simulators as a program, for development and demonstrations.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use forge_sim::{
    GitSource, Handle, Limits, Options, OrganizationRecipe, Profile, Quota, Recipe, UserRecipe,
    gitlab,
};
use serde_json::{Value, json};

/// A simulator of GitHub, or of GitLab.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Decides everything that is random.
    #[arg(long)]
    seed: Option<u64>,
    /// A recipe in JSON; what the other options say is added to it.
    #[arg(long)]
    recipe: Option<PathBuf>,
    /// Be a GitLab, made by this recipe in JSON; of the other options only --listen, --state and --throttle count then.
    #[arg(long, value_name = "FILE")]
    gitlab: Option<PathBuf>,
    /// Requests of the API that a GitLab lets through, and in how many seconds.
    #[arg(long, value_name = "N=SECONDS", value_parser = parse_pair)]
    throttle: Option<(String, String)>,
    /// An organization to make.
    #[arg(long)]
    organization: Option<String>,
    /// How many repositories it has.
    #[arg(long, default_value_t = 0)]
    repositories: usize,
    /// How large they are: tiny, small or mixed.
    #[arg(long, default_value = "mixed", value_parser = parse_profile)]
    profile: Profile,
    /// A member with a token; can be given several times.
    #[arg(long = "user", value_name = "LOGIN")]
    users: Vec<String>,
    /// REST requests and GraphQL points of every user per window.
    #[arg(long)]
    quota: Option<u64>,
    /// The same for one user; can be given several times.
    #[arg(long = "quota-of", value_name = "LOGIN=N", value_parser = parse_pair)]
    quota_of: Vec<(String, String)>,
    /// Length of the window in seconds.
    #[arg(long)]
    window: Option<i64>,
    /// An existing git repository to serve; can be given several times.
    #[arg(long = "git", value_name = "NAME=PATH", value_parser = parse_pair)]
    git: Vec<(String, String)>,
    /// Where to keep repositories and tokens.
    #[arg(long)]
    state: PathBuf,
    /// How long each API answer takes at least.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Entity tags that cannot be derived from outside.
    #[arg(long)]
    opaque_etags: bool,
    /// Also listen for TLS, with a certificate of its own.
    #[arg(long)]
    tls: bool,
}

fn parse_profile(text: &str) -> Result<Profile, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{text} has no ="))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::new("info");
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.gitlab {
        let handle = gitlab(&arguments, path).await?;
        return until_stopped(handle).await;
    }
    let recipe = recipe(&arguments)?;
    let organization = recipe
        .organizations
        .first()
        .map(|organization| organization.login.clone());
    let logins = recipe
        .users
        .iter()
        .map(|user| user.login.clone())
        .collect::<Vec<_>>();
    let handle = forge_sim::start(options(&arguments, recipe)).await?;
    announce(&handle, organization.as_deref(), &logins, &arguments.state)?;
    until_stopped(handle).await
}

async fn until_stopped<T>(handle: T) -> anyhow::Result<()> {
    tokio::signal::ctrl_c()
        .await
        .context("cannot listen for the signal to stop")?;
    drop(handle);
    Ok(())
}

/// Starts a GitLab and says where it is.
async fn gitlab(arguments: &Arguments, path: &Path) -> anyhow::Result<gitlab::Handle> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the recipe {}", path.display()))?;
    let recipe: gitlab::Recipe =
        serde_json::from_str(&text).with_context(|| format!("{} is no recipe", path.display()))?;
    let group = recipe.group.clone();
    let users: Vec<String> = recipe
        .users
        .iter()
        .map(|user| user.username.clone())
        .collect();
    let limits = match &arguments.throttle {
        Some((requests, seconds)) => gitlab::Limits::api(requests.parse()?, seconds.parse()?),
        None => gitlab::Limits::default(),
    };
    let handle = gitlab::start(gitlab::Options {
        listen: arguments.listen,
        limits,
        state: Some(arguments.state.clone()),
        ..gitlab::Options::new(recipe)
    })
    .await?;
    let control = handle.control();
    let mut shown = Vec::new();
    for user in users {
        let token = control
            .token(&user)
            .with_context(|| format!("{user} has no token"))?;
        let file = arguments.state.join(format!("{user}.token"));
        write_private(&file, &token)?;
        shown.push(json!({ "login": user, "id": control.user(&user), "token_file": file }));
    }
    print_line(&json!({
        "web": handle.web(),
        "api": handle.api(),
        "control": handle.control_url(),
        "secure": null,
        "organization": group,
        "users": shown,
    }));
    Ok(handle)
}

fn recipe(arguments: &Arguments) -> anyhow::Result<Recipe> {
    let mut recipe = match &arguments.recipe {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the recipe {}", path.display()))?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} is no recipe", path.display()))?
        }
        None => Recipe::default(),
    };
    recipe.seed = arguments.seed.unwrap_or(recipe.seed);
    if let Some(login) = &arguments.organization {
        recipe.organizations.push(OrganizationRecipe {
            login: login.clone(),
            repositories: arguments.repositories,
            profile: arguments.profile,
            ..OrganizationRecipe::default()
        });
    }
    recipe.users.extend(
        arguments
            .users
            .iter()
            .map(|login| UserRecipe::member(login)),
    );
    let quotas = arguments
        .quota_of
        .iter()
        .cloned()
        .collect::<BTreeMap<_, _>>();
    for user in &mut recipe.users {
        if let Some(quota) = quotas.get(&user.login) {
            user.quota = Some(quota.parse().context("a quota is a whole number")?);
        }
    }
    let sources = arguments.git.iter().map(|(name, path)| GitSource {
        name: name.clone(),
        path: PathBuf::from(path),
    });
    let organization = recipe
        .organizations
        .first_mut()
        .context("there is no organization: give --organization or --recipe")?;
    organization.git.extend(sources);
    Ok(recipe)
}

fn options(arguments: &Arguments, recipe: Recipe) -> Options {
    let usual = Limits::default();
    Options {
        listen: arguments.listen,
        state: Some(arguments.state.clone()),
        limits: Limits {
            user: arguments.quota.map_or(usual.user, Quota::both),
            window_seconds: arguments.window.unwrap_or(usual.window_seconds),
            ..usual
        },
        latency: Duration::from_millis(arguments.latency_ms),
        opaque_etags: arguments.opaque_etags,
        tls: arguments.tls,
        ..Options::new(recipe)
    }
}

/// Writes the tokens to files and prints one line that says where everything is.
fn announce(
    handle: &Handle,
    organization: Option<&str>,
    logins: &[String],
    state: &Path,
) -> anyhow::Result<()> {
    let control = handle.control();
    let ids = control
        .world()
        .users
        .into_iter()
        .map(|user| (user.login, user.id))
        .collect::<BTreeMap<_, _>>();
    let mut users = Vec::new();
    for login in logins {
        let token = control
            .token(login)
            .with_context(|| format!("{login} has no token"))?;
        let path = state.join(format!("{login}.token"));
        write_private(&path, &token)?;
        users.push(json!({ "login": login, "id": ids.get(login), "token_file": path }));
    }
    let line = json!({
        "web": handle.web(),
        "api": handle.api(),
        "graphql": handle.graphql(),
        "download": handle.download(),
        "control": handle.control_url(),
        "secure": handle.secure().map_or(Value::Null, |secure| {
            json!({ "web": secure.web, "certificate": secure.certificate })
        }),
        "organization": organization,
        "users": users,
    });
    print_line(&line);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the one line that callers read")]
fn print_line(line: &Value) {
    println!("{line}");
}

/// A file that nobody else may read.
fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
