//! Looking around in a snapshot: its folders, and the text of small files.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::SnapshotId;
use domain::tree::{Found, Item, Names};
use serde::Deserialize;
use serde_json::json;
use store::{Act, Snapshot};

use super::place_of;
use crate::console::Console;
use crate::contents::Trouble;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::place;

/// Files and folders of a page.
const ROWS: usize = 200;

/// How much of a file is shown.
const SHOWN: usize = 128 * 1024;

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    path: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "snapshots/files.html")]
struct Files {
    page: Page,
    base: String,
    now: DateTime<Utc>,
    snapshot: Snapshot,
    names: Names,
    content: Content,
}

/// What a page of files shows.
enum Content {
    Folder {
        items: Vec<(Item, String)>,
        more: Option<String>,
    },
    Text {
        item: Item,
        text: String,
        is_cut: bool,
    },
    Binary {
        item: Item,
    },
    Trouble(String),
}

impl Files {
    fn url(&self, rest: &str) -> String {
        format!("{}snapshots/{}{rest}", self.base, self.snapshot.key)
    }

    fn folder(&self, path: &str) -> String {
        place::url(&self.url("/files"), &[("path", path)])
    }

    fn download(&self) -> String {
        place::url(
            &self.url("/download"),
            &[("part", "file"), ("path", &self.names.to_string())],
        )
    }
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SnapshotId)>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Error> {
    let names = Names::parse(wanted.path.as_deref().unwrap_or_default()).ok_or(Error::NotFound)?;
    let snapshot = member.scoped.snapshot(id).await?.ok_or(Error::NotFound)?;
    member
        .scoped
        .record(Act {
            action: "snapshot.browse",
            subject: ("snapshot", id.0, &snapshot.repository_name.to_string()),
            before: None,
            after: Some(json!({ "path": names.to_string() })),
        })
        .await?;
    let base = member.url("");
    let files = format!("{base}snapshots/{id}/files");
    let content = look(
        &console,
        &member,
        &snapshot,
        &names,
        &files,
        wanted.after.as_deref(),
    )
    .await;
    let content = match content {
        Ok(content) => content,
        Err(Trouble::Missing) => return Err(Error::NotFound),
        Err(trouble) => Content::Trouble(trouble.to_string()),
    };
    let title = names.last().unwrap_or("Files").to_owned();
    page::show(&Files {
        page: Page::new(&member, Tab::Snapshots, title),
        now: console.clock.now(),
        base,
        snapshot,
        names,
        content,
    })
}

async fn look(
    console: &Console,
    member: &Member,
    snapshot: &Snapshot,
    names: &Names,
    files: &str,
    after: Option<&str>,
) -> Result<Content, Trouble> {
    let at = place_of(member, snapshot);
    match console.contents.find(&at, names).await? {
        Found::Folder(items) => Ok(folder(items, names, files, after)),
        Found::File(item) => {
            let head = console.contents.head(&at, names, SHOWN).await?;
            let is_cut = item.bytes.is_some_and(|bytes| bytes > head.len() as u64);
            Ok(match text(&head, is_cut) {
                Some(text) => Content::Text { item, text, is_cut },
                None => Content::Binary { item },
            })
        }
    }
}

/// A page of a folder: what comes after a name.
fn folder(items: Vec<Item>, names: &Names, files: &str, after: Option<&str>) -> Content {
    let inner = |name: &str| {
        if names.as_slice().is_empty() {
            name.to_owned()
        } else {
            format!("{names}/{name}")
        }
    };
    // Names may come twice in a damaged folder: the place is where the name stands last.
    let begin = after
        .and_then(|after| items.iter().rposition(|item| item.name == after))
        .map_or(0, |position| position + 1);
    let mut rest = items.into_iter().skip(begin);
    let shown: Vec<(Item, String)> = rest
        .by_ref()
        .take(ROWS)
        .map(|item| {
            let url = place::url(files, &[("path", &inner(&item.name))]);
            (item, url)
        })
        .collect();
    let more = rest.next().and(shown.last()).map(|(last, _)| {
        let path = names.to_string();
        place::url(files, &[("path", &path), ("after", &last.name)])
    });
    Content::Folder { items: shown, more }
}

/// The text of a file, if it is one. What was cut off in the middle of a character loses that character.
fn text(head: &[u8], is_cut: bool) -> Option<String> {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    valid.chars().all(is_text).then(|| valid.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_shown_as_text() {
        assert_eq!(
            text(b"{\"id\":1}\n", false).as_deref(),
            Some("{\"id\":1}\n")
        );
        assert_eq!(text(b"a\0b", false), None);
        assert_eq!(text(b"\x1b[31mred", false), None);
        assert_eq!(text(&[0xff, 0xfe], false), None);
        let cut = "grün".as_bytes();
        assert_eq!(text(&cut[..3], true).as_deref(), Some("gr"));
        assert_eq!(text(&cut[..3], false), None);
    }

    #[test]
    fn a_large_folder_comes_in_pages() {
        let item = |number: usize| Item {
            name: format!("{number:04}"),
            is_folder: false,
            bytes: Some(1),
            modified_at: None,
        };
        let all: Vec<Item> = (0..=ROWS).map(item).collect();
        let names = Names::parse("lfs").unwrap();
        let Content::Folder { items, more } = folder(all.clone(), &names, "/files", None) else {
            panic!("a folder is no folder")
        };
        assert_eq!(items.len(), ROWS);
        assert_eq!(more.as_deref(), Some("/files?path=lfs&after=0199"));
        let Content::Folder { items, more } = folder(all, &names, "/files", Some("0199")) else {
            panic!("a folder is no folder")
        };
        assert_eq!(
            (items[0].1.as_str(), more),
            ("/files?path=lfs%2F0200", None)
        );
    }
}
