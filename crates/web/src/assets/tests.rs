use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::*;
use crate::samples::Site;

/// Bytes of everything that a first view loads, less the page itself.
const FIRST_VIEW: usize = 145_000;

fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut open = vec![
        FilePath::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(folder),
    ];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push((path, text));
        }
    }
    found
}

/// What stands between two words, each time.
fn between<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    text.split(start)
        .skip(1)
        .filter_map(|rest| rest.split(end).next())
        .collect()
}

#[test]
fn every_address_holds_the_hash_of_the_content() {
    for asset in ALL {
        let hash = hex::encode(&Sha256::digest(asset.body)[..8]);
        assert!(asset.address.contains(&hash), "{}", asset.address);
    }
}

#[test]
fn what_is_compressed_is_the_same_and_smaller() {
    for asset in ALL {
        if let Some(brotli) = asset.brotli {
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut &*brotli, &mut plain).unwrap();
            assert!(
                plain == asset.body && brotli.len() < asset.body.len(),
                "{}",
                asset.address
            );
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_file_is_cached_for_ever_and_another_hash_is_not_there(pool: PgPool) {
    let site = Site::new(&pool).await;
    for asset in ALL {
        let answer = site
            .nobody()
            .with("accept-encoding", "gzip, br")
            .get(asset.address)
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("content-type"), asset.kind);
        let encoding = if asset.brotli.is_some() { "br" } else { "" };
        assert_eq!(
            answer.header("content-encoding"),
            encoding,
            "{}",
            asset.address
        );
    }
    let answer = site
        .nobody()
        .get("/static/console.0000000000000000.css")
        .await;
    assert_eq!(answer.status, 404);
    let plain = site.nobody().get(CONSOLE_CSS.address).await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.body.as_bytes(), CONSOLE_CSS.body);
}

#[test]
fn a_first_view_stays_within_its_budget() {
    let loaded = [
        TABLER_MIN_CSS,
        CONSOLE_CSS,
        HTMX_MIN_JS,
        CONSOLE_JS,
        ICONS_SVG,
        INTER_LATIN_WGHT_NORMAL_WOFF2,
        MARK_SVG,
        CHECKS_SVG,
    ];
    let bytes: usize = loaded
        .iter()
        .map(|asset| asset.brotli.unwrap_or(asset.body).len())
        .sum();
    assert!(bytes < FIRST_VIEW, "{bytes} bytes");
}

#[test]
fn a_style_sheet_of_ours_names_only_files_that_are_there() {
    let sheet = std::str::from_utf8(CONSOLE_CSS.body).unwrap();
    for address in between(sheet, "url(\"", '"') {
        assert!(
            ALL.iter().any(|asset| asset.address == address),
            "{address}"
        );
    }
}

#[test]
fn no_template_holds_a_script_a_style_or_a_handler() {
    for (path, text) in files("templates") {
        let lower = text.to_lowercase();
        for word in [
            " style=",
            "<style",
            "javascript:",
            "hx-on",
            "hx-vals=\"js",
            "hx-vals='js",
        ] {
            assert!(!lower.contains(word), "{} holds {word}", path.display());
        }
        for script in between(&lower, "<script", '>') {
            assert!(
                script.contains(" src=\"{{"),
                "{} holds a script",
                path.display()
            );
        }
        for word in lower.split(|c: char| c.is_whitespace()) {
            let name = word.split('=').next().unwrap_or_default();
            let is_handler = word.contains("=\"")
                && name.starts_with("on")
                && name.len() > 4
                && name.chars().all(|c| c.is_ascii_lowercase());
            assert!(!is_handler, "{} holds {word}", path.display());
        }
    }
}

#[test]
fn every_icon_that_is_named_is_there_and_every_icon_there_is_named() {
    let sprite = std::str::from_utf8(ICONS_SVG.body).unwrap();
    let there: BTreeSet<&str> = between(sprite, "<symbol id=\"", '"').into_iter().collect();
    let mut sources = files("templates");
    sources.extend(files("crates/web/src"));
    sources.extend(
        files("static")
            .into_iter()
            .filter(|(path, _)| path.ends_with("console.js")),
    );
    for (path, text) in &sources {
        for start in ["icon(\"", "blank(\""] {
            for name in between(text, start, '"') {
                assert!(
                    there.contains(name),
                    "{} names the icon {name}",
                    path.display()
                );
            }
        }
    }
    for name in there {
        let quoted = format!("\"{name}\"");
        assert!(
            sources.iter().any(|(_, text)| text.contains(&quoted)),
            "no page shows the icon {name}: remove static/vendor/tabler-icons-*/outline/{name}.svg"
        );
    }
}
