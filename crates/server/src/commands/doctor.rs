//! Checks everything that Holdfast needs, and says what to do about what is missing.

mod database;
mod machine;
mod reach;

use serde::Serialize;

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// It works, and could be better.
    Warning,
    /// Backups do not work until it is mended.
    Broken,
}

/// One thing that was checked.
#[derive(Debug, Serialize)]
struct Finding {
    check: String,
    verdict: Verdict,
    /// What was found and, unless it is good, what to do.
    detail: String,
}

impl Finding {
    fn good(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Verdict::Good, detail)
    }

    fn warning(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, detail)
    }

    fn broken(check: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(check, Verdict::Broken, detail)
    }

    fn new(check: impl Into<String>, verdict: Verdict, detail: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            verdict,
            detail: detail.into(),
        }
    }
}

pub(crate) async fn execute(context: &Context) -> Result<Exit, Error> {
    let mut findings = vec![
        machine::git().await,
        machine::master_key(&context.config),
        machine::data_folder(&context.config),
    ];
    let (db, found) = database::check(context).await;
    findings.extend(found);
    if let Some(db) = db {
        findings.extend(reach::check(context, &db).await?);
    }
    let broken = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Broken);
    context.output.answer(&findings, || {
        let mut table = Table::new(["check", "verdict", "detail"]);
        for finding in &findings {
            let verdict = match finding.verdict {
                Verdict::Good => "good",
                Verdict::Warning => "warning",
                Verdict::Broken => "BROKEN",
            };
            table.row([
                finding.check.clone(),
                verdict.to_owned(),
                finding.detail.clone(),
            ]);
        }
        table.text("Nothing was checked.")
    });
    Ok(if broken { Exit::Failed } else { Exit::Complete })
}
