//! Secrets enter by file: an argument could be read by every process of the machine.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use domain::{ForgeKind, Secret};

use crate::error::Error;

/// Far beyond any token or key: a larger file is some other file.
const LARGEST: u64 = 4096;

/// Reads a token for a vendor's hosts.
pub(crate) fn token(forge: ForgeKind, path: &Path) -> Result<Secret, Error> {
    let token = read(path, "token")?;
    domain::token_for(forge, token.expose()).map_err(|error| {
        Error::input(format!(
            "{error} The token is the one in {}.",
            path.display()
        ))
    })
}

/// Reads a file that holds a private key in PEM; `what` names it in sentences.
pub(crate) fn read_pem(path: &Path, what: &str) -> Result<Secret, Error> {
    let text = String::from_utf8(bytes(path, what)?).unwrap_or_default();
    if !text.contains("PRIVATE KEY-----") || !text.trim_start().starts_with("-----BEGIN ") {
        return Err(Error::input(format!(
            "The {what} file {} does not hold a private key in PEM: give the file as the host has made it.",
            path.display()
        )));
    }
    Ok(Secret::new(text.trim()))
}

/// The beginning of a file, one byte more than any secret has.
fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Error::input(format!(
                "The {what} file {} cannot be read ({error}): check its path and its rights.",
                path.display()
            ))
        })?;
    Ok(bytes)
}

/// Reads a file that holds one secret on one line; `what` names it in sentences.
pub(crate) fn read(path: &Path, what: &str) -> Result<Secret, Error> {
    let shown = path.display();
    let refuse = |wrong: &str| {
        Error::input(format!(
            "The {what} file {shown} {wrong}: it must hold the {what} on one line and nothing else."
        ))
    };
    let bytes = bytes(path, what)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refuse("is larger than 4 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_not_text| refuse("does not hold text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(refuse("is empty"));
    }
    if text.contains(['\n', '\r']) {
        return Err(refuse("has a line break in the middle"));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(refuse("has a space or an unusual character in it"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(content: &[u8]) -> Result<Secret, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, content).unwrap();
        token(ForgeKind::GitHub, &path)
    }

    #[test]
    fn one_line_with_or_without_its_end_is_a_token() {
        for content in ["ghp_abc", "ghp_abc\n", "ghp_abc\r\n"] {
            assert_eq!(given(content.as_bytes()).unwrap().expose(), "ghp_abc");
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_sentence_that_does_not_show_it() {
        let large = [b'x'; 5000];
        for (content, word) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"ghp_a\nghp_b\n", "line break"),
            (b"ghp_a\n\n", "line break"),
            (b"ghp_a b", "space"),
            (b"\xff\xfe", "does not hold text"),
            (&large, "4 KiB"),
            (b"github_pat_11AAA", "fine-grained"),
        ] {
            let refused = given(content).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
            assert!(!refused.contains("ghp_a") && !refused.contains("11AAA"));
        }
    }

    #[test]
    fn a_private_key_keeps_its_lines_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\nBBBB\n-----END RSA PRIVATE KEY-----";
        std::fs::write(&path, format!("{pem}\n")).unwrap();
        assert_eq!(read_pem(&path, "private key").unwrap().expose(), pem);
        for wrong in ["", "AAAA", "-----BEGIN CERTIFICATE-----\nsecret\n"] {
            std::fs::write(&path, wrong).unwrap();
            let refused = read_pem(&path, "private key").unwrap_err().to_string();
            assert!(refused.contains("does not hold a private key"), "{refused}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let refused = token(ForgeKind::GitHub, Path::new("/nowhere/token")).unwrap_err();
        assert!(refused.to_string().contains("/nowhere/token"), "{refused}");
        assert!(token(ForgeKind::GitHub, Path::new("/")).is_err());
    }
}
