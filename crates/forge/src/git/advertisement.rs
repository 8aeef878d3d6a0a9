//! The first answer of git's smart protocol: every reference of a repository (gitprotocol-http, "Smart Server Response").

use super::LENGTH;
use crate::Error;

/// What an empty repository lists in place of references.
const NOTHING: &str = "capabilities^{}";

/// Objects and names in the host's order; peeled tags among them, their names ending in `^{}`.
pub(super) fn read(mut answer: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let mut references = Vec::new();
    let mut announced = false;
    while !answer.is_empty() {
        let (line, rest) = line(answer).ok_or_else(strange)?;
        answer = rest;
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n');
        if text.starts_with("# service=git-upload-pack") {
            announced = true;
        } else if let Some(words) = text.strip_prefix("ERR ") {
            return Err(Error::Transient {
                detail: format!("The host's git service failed: {words}."),
            });
        } else if let Some((object, name)) = text.split_once(' ') {
            let name = name.split('\0').next().unwrap_or_default();
            let is_object =
                object.len() >= 40 && object.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_object && name != NOTHING {
                references.push((object.to_owned(), name.to_owned()));
            }
        }
    }
    if announced {
        Ok(references)
    } else {
        Err(strange())
    }
}

/// The first line, and what comes after it. A line of length 0 only separates.
fn line(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, _) = answer.split_at_checked(LENGTH)?;
    let length = usize::from_str_radix(std::str::from_utf8(length).ok()?, 16).ok()?;
    let (line, rest) = answer.split_at_checked(length.max(LENGTH))?;
    Some((line.get(LENGTH..)?, rest))
}

fn strange() -> Error {
    Error::Corrupt {
        detail: "The host's list of references is not whole.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn packet(text: &str) -> String {
        format!("{:04x}{text}", text.len() + LENGTH)
    }

    fn answer(lines: &[&str]) -> String {
        let lines: String = lines.iter().map(|line| packet(line)).collect();
        format!("{}0000{lines}0000", packet("# service=git-upload-pack\n"))
    }

    #[test]
    fn references_are_read_in_order() {
        let text = answer(&[
            &format!("{A} HEAD\0multi_ack symref=HEAD:refs/heads/main\n"),
            &format!("{A} refs/heads/main\n"),
            &format!("{B} refs/tags/v1\n"),
            &format!("{A} refs/tags/v1^{{}}\n"),
            &format!("shallow {A}\n"),
        ]);
        let names: Vec<String> = read(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|(object, name)| format!("{} {name}", &object[..1]))
            .collect();
        assert_eq!(
            names,
            [
                "1 HEAD",
                "1 refs/heads/main",
                "2 refs/tags/v1",
                "1 refs/tags/v1^{}"
            ]
        );
    }

    #[test]
    fn an_empty_repository_has_none() {
        let zero = "0".repeat(40);
        let text = answer(&[&format!("{zero} capabilities^{{}}\0agent=git/2\n")]);
        assert_eq!(read(text.as_bytes()).unwrap(), []);
    }

    #[test]
    fn what_is_cut_or_is_no_list_is_refused() {
        let whole = answer(&[&format!("{A} refs/heads/main\n")]);
        for text in [&whole[..whole.len() - 10], "<html>", "", "0000"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        let failed = read(answer(&["ERR upload-pack: not our ref\n"]).as_bytes()).unwrap_err();
        assert!(failed.to_string().contains("not our ref"), "{failed}");
    }
}
