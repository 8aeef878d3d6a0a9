//! LFS pointers in a repository's history: small files that stand in for large ones (git-lfs, docs/spec.md).

use std::collections::BTreeSet;

use forge::LfsPointer;

use super::command::Git;
use super::failure::{Class, Failure};
use super::mirror::Mirror;

/// A pointer is smaller than this (git-lfs, docs/spec.md).
const LARGEST: &str = "--filter=blob:limit=1024";
/// A mirror with no more bytes in its packs is read whole, which takes one process in place of two.
const SMALL: u64 = 256 * 1024;
/// What such a mirror may unpack to: a hostile one could unpack to anything.
const UNPACKED: usize = 32 * 1024 * 1024;
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
        if known.is_empty()
            && let Some(contents) = self.contents(UNPACKED).await?
        {
            return Ok(read(&contents));
        }
        input.extend(known.iter().map(|tip| format!("^{tip}\n")));
        self.search(input.concat().into_bytes()).await
    }

    /// Every pointer in the history that `rev-list` walks.
    async fn search(&self, revisions: Vec<u8>) -> Result<BTreeSet<LfsPointer>, Failure> {
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
        .input(revisions)
        .run(self.cancel())
        .await?;
        if small.is_empty() {
            return Ok(BTreeSet::new());
        }
        let contents = Git::on(self.path(), ["cat-file", "--batch", "--buffer"])
            .input(small)
            .run(self.cancel())
            .await?;
        Ok(read(&contents))
    }

    /// Every object, if all of them are little.
    async fn contents(&self, most: usize) -> Result<Option<Vec<u8>>, Failure> {
        let sizes = self
            .pack_sizes()
            .map_err(|error| Failure::file(self.path(), &error))?;
        if sizes.iter().sum::<u64>() > SMALL {
            return Ok(None);
        }
        let all = [
            "cat-file",
            "--batch-all-objects",
            "--batch",
            "--unordered",
            "--buffer",
        ];
        match Git::on(self.path(), all)
            .at_most(most)
            .run(self.cancel())
            .await
        {
            Ok(contents) => Ok(Some(contents)),
            Err(failure) if failure.class == Class::Other => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// The pointers among what `git cat-file --batch` wrote.
fn read(contents: &[u8]) -> BTreeSet<LfsPointer> {
    Batch(contents).filter_map(pointer).collect()
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
    use tokio_util::sync::CancellationToken;

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

    #[tokio::test]
    async fn reading_all_finds_what_a_search_finds() {
        let folder = tempfile::tempdir().unwrap();
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let script = "git init -q --bare --template= . && blob=$(printf '%s' \"$POINTER\" | git hash-object -w --stdin) \
            && tree=$(printf '100644 blob %s\\tlarge.bin\\n' \"$blob\" | git mktree) \
            && commit=$(git -c user.name=a -c user.email=a@example.com commit-tree -m one \"$tree\") \
            && git update-ref refs/heads/main \"$commit\" && git repack -q -a -d && printf %s \"$commit\"";
        let made = std::process::Command::new("sh")
            .args(["-c", script])
            .env("POINTER", sample(oid))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let commit = String::from_utf8(made.stdout).unwrap();
        let mirror = Mirror::at(folder.path().to_owned(), CancellationToken::new());
        let searched = mirror.search(commit.clone().into_bytes()).await.unwrap();
        assert_eq!(searched.len(), 1);
        let contents = mirror.contents(UNPACKED).await.unwrap().unwrap();
        assert_eq!(read(&contents), searched);
        assert_eq!(mirror.contents(100).await.unwrap(), None);
        let nothing = BTreeSet::new();
        let all = mirror.pointers([commit.as_str()].into_iter(), &nothing);
        assert_eq!(all.await.unwrap(), searched);
    }

    #[test]
    fn a_batch_is_read_past_gaps() {
        let output = b"aa blob 3\nx\ny\nbb missing\ncc blob 0\n\ndd blob 1\nz\n";
        let contents: Vec<_> = Batch(output).collect();
        assert_eq!(contents, [b"x\ny".as_slice(), b"", b"z"]);
    }
}
