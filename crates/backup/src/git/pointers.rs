//! LFS pointers in a repository's history: small files that stand in for large ones (git-lfs, docs/spec.md).

use std::collections::BTreeSet;

use forge::github::LfsPointer;

use super::command::Git;
use super::failure::Failure;
use super::mirror::Mirror;

/// A pointer is smaller than this (git-lfs, docs/spec.md).
const LARGEST: &str = "--filter=blob:limit=1024";
/// How the oldest and the newest pointers begin.
const STARTS: [&str; 2] = [
    "version https://git-lfs.github.com/spec/",
    "version https://hawser.github.com/spec/",
];

impl Mirror {
    /// Every pointer in the history of `tips` that is not in the history of `known`.
    pub(crate) async fn pointers<'a>(
        &self,
        tips: impl Iterator<Item = &'a str>,
        known: &BTreeSet<String>,
    ) -> Result<BTreeSet<LfsPointer>, Failure> {
        let mut input: Vec<String> = tips
            .filter(|tip| !known.contains(*tip))
            .map(|tip| format!("{tip}\n"))
            .collect();
        if input.is_empty() {
            return Ok(BTreeSet::new());
        }
        input.extend(known.iter().map(|tip| format!("^{tip}\n")));
        let small = Git::on(
            self.path(),
            [
                "rev-list",
                "--objects",
                "--no-object-names",
                "--ignore-missing",
                "--filter=object:type=blob",
                LARGEST,
                "--filter-provided-objects",
                "--stdin",
            ],
        )
        .input(input.concat().into_bytes())
        .run(self.cancel())
        .await?;
        if small.is_empty() {
            return Ok(BTreeSet::new());
        }
        let contents = Git::on(self.path(), ["cat-file", "--batch", "--buffer"])
            .input(small)
            .run(self.cancel())
            .await?;
        Ok(Batch(&contents).filter_map(pointer).collect())
    }
}

/// The contents that `git cat-file --batch` writes, each after a line `OBJECT TYPE SIZE`.
struct Batch<'a>(&'a [u8]);

impl<'a> Iterator for Batch<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let end = self.0.iter().position(|byte| *byte == b'\n')?;
            let header = std::str::from_utf8(self.0.get(..end)?).ok()?;
            let rest = self.0.get(end + 1..)?;
            let mut parts = header.split(' ').skip(1);
            let size = parts
                .next()
                .filter(|word| *word != "missing")
                .and(parts.next());
            let Some(size) = size.and_then(|size| size.parse::<usize>().ok()) else {
                self.0 = rest;
                continue;
            };
            let content = rest.get(..size)?;
            self.0 = rest.get(size + 1..).unwrap_or_default();
            return Some(content);
        }
    }
}

fn pointer(content: &[u8]) -> Option<LfsPointer> {
    let text = std::str::from_utf8(content).ok()?;
    if !STARTS.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let oid = value("oid sha256:")?.trim();
    let is_hash = oid.len() == 64 && oid.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = value("size ")?.trim().parse().ok()?;
    is_hash.then(|| LfsPointer {
        oid: oid.to_ascii_lowercase(),
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(oid: &str) -> String {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n")
    }

    #[test]
    fn pointers_are_told_from_other_small_files() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        assert_eq!(
            pointer(sample(oid).as_bytes()),
            Some(LfsPointer {
                oid: oid.into(),
                size: 12345
            })
        );
        for other in [
            "",
            "# readme\n",
            &sample("../../etc"),
            &sample(&oid[1..]),
            "version https://git-lfs.github.com/spec/v1\n",
        ] {
            assert_eq!(pointer(other.as_bytes()), None, "{other}");
        }
        assert_eq!(pointer(b"\xff\xfe"), None);
    }

    #[test]
    fn a_batch_is_read_past_gaps() {
        let output = b"aa blob 3\nx\ny\nbb missing\ncc blob 0\n\ndd blob 1\nz\n";
        let contents: Vec<_> = Batch(output).collect();
        assert_eq!(contents, [b"x\ny".as_slice(), b"", b"z"]);
    }
}
