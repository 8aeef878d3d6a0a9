//! A made-up company with two organizations, a pool of credentials, and a few days of backups behind it.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// The tenant that the pictures show.
pub(super) const TENANT: &str = "northwind";

/// Its organizations on the host, and what is in them.
const ORGANIZATIONS: [(&str, &[&str]); 2] = [
    (
        "northwind",
        &[
            "storefront",
            "checkout",
            "payments-core",
            "ledger",
            "inventory",
            "warehouse-robots",
            "mobile-app",
            "design-system",
            "infrastructure",
            "observability",
            "handbook",
            "incident-reviews",
            "data-platform",
            "customer-portal",
        ],
    ),
    (
        "northwind-labs",
        &["forecasting", "route-planner", "prototype-kiosk", "papers"],
    ),
];

/// Who registers the organizations, and who only adds requests: the last one's token gets revoked.
const USERS: [&str; 4] = [
    "northwind-backup",
    "backup-bot-01",
    "backup-bot-02",
    "backup-bot-03",
];

/// Requests that each user may make in an hour while the last task runs, which then waits.
const SPENT: u32 = 40;

/// Starts the host.
pub(super) fn host(workspace: &Workspace, folder: &Path) -> Result<Simulator> {
    let organizations: Vec<Value> = ORGANIZATIONS
        .iter()
        .map(|(login, names)| {
            let named: Vec<Value> = names.iter().enumerate().map(repository).collect();
            json!({ "login": login, "named": named })
        })
        .collect();
    let users: Vec<Value> = USERS
        .iter()
        .map(|login| json!({ "login": login }))
        .collect();
    let recipe = folder.join("company.json");
    std::fs::write(
        &recipe,
        json!({ "seed": 7, "organizations": organizations, "users": users }).to_string(),
    )?;
    Simulator::start(
        workspace,
        folder,
        &[OsString::from("--recipe"), recipe.into()],
    )
}

fn repository((number, name): (usize, &&str)) -> Value {
    json!({
        "name": name,
        "commits": 10 + number * 3,
        "files": 12,
        "issues": 4 + number * 2,
        "pulls": 3,
        "comments_per_issue": 2,
        "reviews_per_pull": 1,
        "labels": 5,
        "milestones": 1,
        "releases": 1,
        "assets_per_release": 1,
        "asset_bytes": 20_000,
        "wiki": number % 4 == 0,
        "private": number % 3 != 0,
        "archived": number == 11,
    })
}

/// Registers everything and lets some days of backups happen, the last of which still runs.
pub(super) fn settle(admin: &mut Admin, simulator: &Simulator, folder: &Path) -> Result<()> {
    admin.ask(&["tenant", "add", TENANT])?;
    admin.act_for(TENANT);
    for name in ["vault", "cold-archive"] {
        let path = folder.join(name).display().to_string();
        admin.ask(&["storage", "add", name, "local", &path])?;
    }
    for (organization, _) in ORGANIZATIONS {
        connect(admin, simulator, organization)?;
    }
    for (plan, organization, storage, schedule) in [
        ("nightly", "northwind", "vault", "30 2 * * *"),
        ("weekly-archive", "northwind", "cold-archive", "0 4 * * 0"),
        ("labs-nightly", "northwind-labs", "vault", "15 3 * * *"),
    ] {
        admin.ask(&[
            "plan",
            "add",
            plan,
            "--organization",
            organization,
            "--repositories",
            "all",
            "--storage",
            storage,
            "--schedule",
            schedule,
            "--time-zone",
            "Europe/Berlin",
            "--retention",
            "daily=14,monthly=12",
            "--additional-credentials",
            "on",
            "--use",
            USERS[1],
            "--use",
            USERS[2],
        ])?;
    }
    for plan in ["nightly", "labs-nightly"] {
        admin.ask(&["run", plan, "--wait"])?;
    }
    let blocked = format!("{}/incident-reviews", ORGANIZATIONS[0].0);
    simulator
        .mutate(&json!({ "kind": "block_repository", "repository": blocked, "reason": "tos" }))?;
    simulator.mutate(&json!({ "kind": "revoke_tokens", "login": USERS[3] }))?;
    touch(simulator)?;
    // It ends with omissions, which is not success.
    let _ended = admin.run(&["run", "nightly", "--wait"])?;
    touch(simulator)?;
    for login in USERS {
        simulator.mutate(&json!({ "kind": "set_quota", "login": login, "core": SPENT }))?;
    }
    // It waits for quota, which is not success either.
    let _waiting = admin.run(&["run", "weekly-archive", "--wait", "--for", "20s"])?;
    Ok(())
}

fn connect(admin: &Admin, simulator: &Simulator, organization: &str) -> Result<()> {
    for (number, user) in simulator.users().iter().enumerate() {
        let token_file = user.token_file.display().to_string();
        if number == 0 {
            admin.ask(&[
                "organization",
                "add",
                "--host",
                simulator.web(),
                "--name",
                organization,
                "--user",
                &user.login,
                "--token-file",
                &token_file,
            ])?;
        } else {
            admin.ask(&[
                "credential",
                "add",
                organization,
                "--name",
                &user.login,
                "--user",
                &user.login,
                "--token-file",
                &token_file,
            ])?;
        }
    }
    Ok(())
}

/// Something new to back up everywhere.
fn touch(simulator: &Simulator) -> Result<()> {
    for (organization, names) in ORGANIZATIONS {
        for name in names {
            let repository = format!("{organization}/{name}");
            simulator
                .mutate(&json!({ "kind": "push", "repository": repository, "commits": 2 }))
                .or_else(|error| {
                    // A repository that is blocked takes nothing.
                    if *name == "incident-reviews" {
                        Ok(())
                    } else {
                        Err(error)
                    }
                })
                .with_context(|| format!("{repository} takes no commits"))?;
        }
    }
    Ok(())
}
