//! Issues with what was said about them, in the order of their numbers.

use std::collections::BTreeMap;

use domain::Kind;
use forge::{Made, Repository};
use serde_json::{Map, Value, json};

use super::source::text;
use super::{Replay, Replayed, copy, refused};
use crate::Error;

/// Makes the issues that are not there, and goes on with those whose notes are not all there.
pub(super) async fn bring(
    replay: &Replay<'_>,
    repository: &Repository,
    milestones: &BTreeMap<i64, i64>,
    done: &mut Replayed,
    progress: &(dyn Fn(Kind, u64) + Send + Sync),
) -> Result<(), Error> {
    let path = format!("projects/{}/issues", repository.id);
    let mut issues = replay.source.rows(Kind::Issues)?;
    if issues.is_empty() {
        return Ok(());
    }
    issues.sort_by_key(number);
    let query = "scope=all&state=all&order_by=created_at&sort=asc&per_page=100";
    let there = replay.client.everything(&format!("{path}?{query}")).await?;
    let there: BTreeMap<i64, Value> = there.into_iter().map(|one| (number(&one), one)).collect();
    let notes = said(replay)?;
    for (count, issue) in issues.iter().enumerate() {
        let iid = number(issue);
        let found = there.get(&iid);
        if let Some(found) = found
            && text(found, "title") != text(issue, "title")
        {
            return Err(refused(format!(
                "{} has another issue {iid}, \"{}\": name another project, nothing is overwritten.",
                replay.target.path(),
                text(found, "title")
            )));
        }
        let now = if let Some(found) = found {
            found.clone()
        } else {
            let body = body_of(issue, milestones);
            replay.client.make(Made::Issue, &path, body).await?
        };
        done.note(Kind::Issues, found.is_none());
        let wanted = notes.get(&iid).map(Vec::as_slice).unwrap_or_default();
        bring_notes(replay, &format!("{path}/{iid}/notes"), found, wanted, done).await?;
        if text(issue, "state") == "closed" && text(&now, "state") != "closed" {
            let body = json!({ "state_event": "close" });
            replay.client.change(&format!("{path}/{iid}"), body).await?;
        }
        progress(Kind::Issues, count as u64 + 1);
    }
    Ok(())
}

fn number(row: &Value) -> i64 {
    row.get("iid").and_then(Value::as_i64).unwrap_or_default()
}

/// What the API lets one write of an issue (GitLab docs, "New issue"): number and date need an owner.
fn body_of(issue: &Value, milestones: &BTreeMap<i64, i64>) -> Value {
    let mut body = Map::new();
    for name in [
        "iid",
        "title",
        "description",
        "created_at",
        "confidential",
        "due_date",
        "issue_type",
        "weight",
    ] {
        copy(issue, name, &mut body);
    }
    let labels = issue.get("labels").and_then(Value::as_array);
    let labels: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|label| label.as_str().or_else(|| label.get("name")?.as_str()))
        .collect();
    body.insert("labels".to_owned(), labels.into());
    let milestone = issue.pointer("/milestone/id").and_then(Value::as_i64);
    if let Some(id) = milestone.and_then(|id| milestones.get(&id)) {
        body.insert("milestone_id".to_owned(), (*id).into());
    }
    Value::Object(body)
}

/// The notes that people wrote, by their issue's number, oldest first.
fn said(replay: &Replay<'_>) -> Result<BTreeMap<i64, Vec<Value>>, Error> {
    let rows = replay.source.rows(Kind::IssueComments)?;
    let all = rows.into_iter().map(|row| {
        let threads = row.get("discussions").and_then(Value::as_array);
        let notes = threads
            .into_iter()
            .flatten()
            .filter_map(|thread| thread.get("notes").and_then(Value::as_array));
        let mut notes: Vec<Value> = notes
            .flatten()
            .filter(|note| is_said(note))
            .cloned()
            .collect();
        notes.sort_by_key(order);
        (number(&row), notes)
    });
    Ok(all.collect())
}

fn is_said(note: &Value) -> bool {
    note.get("system").and_then(Value::as_bool) != Some(true)
}

fn order(note: &Value) -> (String, i64) {
    let id = note.get("id").and_then(Value::as_i64);
    (text(note, "created_at").to_owned(), id.unwrap_or_default())
}

/// Adds the notes that are not there yet: they were made in order, so that those that are there come first.
async fn bring_notes(
    replay: &Replay<'_>,
    path: &str,
    found: Option<&Value>,
    wanted: &[Value],
    done: &mut Replayed,
) -> Result<(), Error> {
    let has_some = found
        .and_then(|issue| issue.get("user_notes_count"))
        .and_then(Value::as_i64)
        .is_some_and(|count| count > 0);
    let mut there = if has_some {
        let query = "order_by=created_at&sort=asc&per_page=100";
        replay.client.everything(&format!("{path}?{query}")).await?
    } else {
        Vec::new()
    };
    there.retain(is_said);
    for note in wanted {
        let twin = there
            .iter()
            .position(|one| text(one, "body") == text(note, "body"));
        if let Some(twin) = twin {
            there.remove(twin);
            done.note(Kind::IssueComments, false);
            continue;
        }
        let mut body = Map::new();
        for name in ["body", "created_at", "internal"] {
            copy(note, name, &mut body);
        }
        replay
            .client
            .make(Made::Note, path, Value::Object(body))
            .await?;
        done.note(Kind::IssueComments, true);
    }
    Ok(())
}
