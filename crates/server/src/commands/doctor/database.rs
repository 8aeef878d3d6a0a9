//! Whether the database is there and fits.

use store::Db;

use super::Finding;
use crate::context::Context;

/// The database if it can be used, and what was found on the way.
pub(super) async fn check(context: &Context) -> (Option<Db>, Vec<Finding>) {
    let db = match context.db().await {
        Ok(db) => db,
        Err(error) => {
            let detail = format!("{error} Check DATABASE_URL and that Postgres is running.");
            return (None, vec![Finding::broken("database", detail)]);
        }
    };
    let mut findings = Vec::new();
    if let Err(error) = db.ping().await {
        findings.push(Finding::broken("database", error.to_string()));
        return (None, findings);
    }
    findings.push(Finding::good("database", "it answers"));
    match context.tenants(&db.fleet()).await {
        Ok(tenants) => {
            let detail = format!("up to date; tenants: {}", tenants.len());
            findings.push(Finding::good("schema", detail));
        }
        Err(error) => {
            findings.push(Finding::broken("schema", error.to_string()));
            return (None, findings);
        }
    }
    findings.push(master_key(context, &db).await);
    findings.push(worker(&db).await);
    (Some(db), findings)
}

async fn master_key(context: &Context, db: &Db) -> Finding {
    let name = "master key fits";
    // A key must not be made here: a new one would not open what is sealed already.
    if context
        .config
        .master_key_file()
        .is_some_and(|file| !file.exists())
    {
        return Finding::warning(name, "There is no key yet to compare with.");
    }
    let checked = match context.sealer() {
        Ok(sealer) => db
            .fleet()
            .check_master_key(&sealer)
            .await
            .map_err(Into::into),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => Finding::good(name, "it opens the secrets in the database"),
        Err(error) => Finding::broken(name, error.to_string()),
    }
}

async fn worker(db: &Db) -> Finding {
    match db.fleet().live_workers().await {
        Err(error) => Finding::broken("worker", error.to_string()),
        Ok(workers) if workers.is_empty() => Finding::broken(
            "worker",
            "None is alive, so no plan runs: start holdfast serve or holdfast worker.",
        ),
        Ok(workers) => {
            let names: Vec<&str> = workers.iter().map(|one| one.hostname.as_str()).collect();
            Finding::good(
                "worker",
                format!("{} alive: {}", workers.len(), names.join(", ")),
            )
        }
    }
}
