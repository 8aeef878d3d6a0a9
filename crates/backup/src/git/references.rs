//! What a repository's names point to.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::kept;
use crate::manifest;

/// Folders of references that every repository has.
const FOLDERS: [&str; 3] = ["refs", "refs/heads", "refs/tags"];

/// The references of a repository: objects by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References(pub(super) BTreeMap<String, String>);

impl References {
    /// Reads the files of a repository (gitrepository-layout, `packed-refs` and `refs`), which saves a process each time.
    pub(super) fn of_repository(repository: &Path) -> io::Result<Self> {
        let mut found = BTreeMap::new();
        let mut symbolic = Vec::new();
        let packed = absent_is_empty(fs::read(repository.join("packed-refs")))?;
        for line in String::from_utf8_lossy(&packed).lines() {
            if let Some((object, name)) =
                line.split_once(' ').filter(|(object, _)| is_object(object))
            {
                found.insert(name.to_owned(), object.to_owned());
            }
        }
        read_loose(&repository.join("refs"), "refs", &mut |name, content| {
            let content = content.trim_end();
            if let Some(target) = content.strip_prefix("ref: ") {
                symbolic.push((name, target.to_owned()));
            } else if is_object(content) {
                found.insert(name, content.to_owned());
            }
        })?;
        for (name, target) in symbolic {
            if let Some(object) = found.get(&target).cloned() {
                found.insert(name, object);
            }
        }
        Ok(Self(found))
    }

    /// Moves every reference that has a file of its own into the one file for all, as `git pack-refs --all` does but without a
    /// process. Tags are not peeled in advance: git does so when it needs it.
    ///
    /// The file for all is whole before the first of the others goes, so that a kill loses none.
    pub(super) fn pack(repository: &Path) -> io::Result<()> {
        let (mut loose, mut symbolic) = (Vec::new(), Vec::new());
        read_loose(&repository.join("refs"), "refs", &mut |name, content| {
            if is_object(content.trim_end()) {
                loose.push(name);
            } else {
                symbolic.push(name);
            }
        })?;
        if loose.is_empty() {
            return Ok(());
        }
        let mut all = Self::of_repository(repository)?.0;
        all.retain(|name, _| !symbolic.contains(name));
        Self(all).write(repository)?;
        for name in loose {
            let path = repository.join(name);
            fs::remove_file(&path)?;
            // Folders that are not empty stay, and so do those that make this a repository.
            for folder in path.ancestors().skip(1) {
                if FOLDERS.iter().any(|kept| folder == repository.join(kept))
                    || fs::remove_dir(folder).is_err()
                {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes the file for all references (git-pack-refs, gitrepository-layout).
    pub(super) fn write(&self, repository: &Path) -> io::Result<()> {
        let mut text = "# pack-refs with: sorted \n".to_owned();
        for (name, object) in self.iter() {
            text.extend([object, " ", name, "\n"]);
        }
        let unfinished = repository.join("packed-refs.lock");
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(unfinished, repository.join("packed-refs"))
    }

    /// Whether all names and objects are such as git itself would write without a question.
    pub(super) fn is_plain(&self) -> bool {
        self.iter()
            .all(|(name, object)| is_plain_name(name) && object.len() == 40)
    }

    /// Takes what a host lists, less what is not fetched: test merges of pull requests, which change with their base.
    pub(super) fn of_host(listed: Vec<(String, String)>) -> Self {
        let references = listed.into_iter().filter_map(|(object, name)| {
            let test_merge = name.starts_with("refs/pull/") && name.ends_with("/merge");
            let wanted = name.starts_with("refs/") && !name.ends_with("^{}") && !test_merge;
            wanted.then_some((name, object))
        });
        Self(references.collect())
    }

    /// Reads lines of an object, a space and a name as if a host had listed them.
    #[cfg(test)]
    pub(super) fn of_lines(text: &str) -> Self {
        let listed = text.lines().filter_map(|line| line.split_once(' '));
        Self::of_host(
            listed
                .map(|(object, name)| (object.to_owned(), name.to_owned()))
                .collect(),
        )
    }

    /// The references that the host has or had at the last fetch: all but those that were kept.
    pub(crate) fn current(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| !kept::is_kept(name))
    }

    /// The references that the host no longer has.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| kept::is_kept(name))
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, object)| (name.as_str(), object.as_str()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both point to the same, as far as the host is concerned.
    pub(super) fn same_as(&self, host: &Self) -> bool {
        self.current().eq(host.current())
    }

    /// The objects that branches, tags and the rest point to, kept ones included.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// Count and hash of all references, for the manifest.
    pub(crate) fn digest(&self) -> manifest::References {
        manifest::References::of(self.iter())
    }

    /// Hash of the host's references alone, to be compared with the host's next answer; nothing if it has none.
    pub(crate) fn host_digest(&self) -> Option<String> {
        let digest = manifest::References::of(self.current());
        (digest.count > 0).then_some(digest.sha256)
    }
}

/// Stricter than git-check-ref-format: what is refused here is left to git to judge.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "git forbids this ending in this case alone"
)]
fn is_plain_name(name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.ends_with(".lock")
            && !part.contains("..")
            && !part.contains("@{")
            && part
                .chars()
                .all(|c| !c.is_control() && !" ~^:?*[\\".contains(c))
    };
    name.strip_prefix("refs/")
        .is_some_and(|rest| rest.split('/').all(is_plain))
}

/// Every file below a folder of references, by name.
fn read_loose(folder: &Path, name: &str, take: &mut impl FnMut(String, String)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_loose(&entry.path(), &name, take)?;
        } else {
            take(
                name,
                String::from_utf8_lossy(&fs::read(entry.path())?).into_owned(),
            );
        }
    }
    Ok(())
}

/// Forty hex digits, or sixty-four in a repository of SHA-256.
fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn absent_is_empty(read: io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(digit: &str) -> String {
        digit.repeat(40)
    }

    #[test]
    fn strange_names_are_left_to_git() {
        for name in ["refs/heads/main", "refs/pull/1/head", "refs/tags/v1.0-ü@x"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in [
            "HEAD",
            "refs/",
            "refs/heads/",
            "refs/heads/../../config",
            "refs//x",
            "refs/heads/.x",
            "refs/heads/x.lock",
            "refs/heads/a b",
            "refs/heads/a\n0 refs/heads/b",
            "refs/heads/a@{1}",
        ] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn packing_changes_no_reference() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let output = std::process::Command::new("git")
                .env("GIT_DIR", folder.path())
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet", "--bare", "--template="]);
        let tree = git(&["mktree"]);
        let commit = git(&["commit-tree", "-m", "one", &tree]);
        for name in ["heads/main", "heads/feature/x", "pull/1/head"] {
            git(&["update-ref", &format!("refs/{name}"), &commit]);
        }
        git(&["tag", "-a", "-m", "v1", "v1", &commit]);
        git(&[
            "symbolic-ref",
            "refs/remotes/origin/HEAD",
            "refs/heads/main",
        ]);
        let listed = || git(&["show-ref", "--dereference"]);
        let before = (listed(), References::of_repository(folder.path()).unwrap());
        for _ in 0..2 {
            References::pack(folder.path()).unwrap();
            let after = (listed(), References::of_repository(folder.path()).unwrap());
            assert_eq!(after, before);
        }
        assert!(folder.path().join("refs/remotes/origin/HEAD").is_file());
        assert!(!folder.path().join("refs/pull").exists());
        assert!(folder.path().join("refs/tags").is_dir());
        git(&["update-ref", "-d", "refs/heads/feature/x"]);
        let newer = git(&["commit-tree", "-m", "two", &tree]);
        git(&["update-ref", "refs/heads/main", &newer]);
        let moved = listed();
        References::pack(folder.path()).unwrap();
        assert_eq!(listed(), moved);
    }

    #[test]
    fn both_forms_compare_equal() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, content: String| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let (a, b, c, d) = (object("a"), object("b"), object("c"), object("d"));
        let packed = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{c} refs/backup/20260101T000000Z/heads/old\n{d} refs/heads/main\n{b} refs/tags/v1\n^{a}\n"
        );
        write("packed-refs", packed);
        write("refs/heads/main", format!("{a}\n"));
        write("refs/remotes/origin/HEAD", "ref: refs/heads/main\n".into());
        let local = References::of_repository(folder.path()).unwrap();
        let host = References::of_lines(&format!(
            "{a} HEAD\n{a} refs/heads/main\n{a} refs/remotes/origin/HEAD\n{b} refs/tags/v1\n{a} refs/tags/v1^{{}}\n{d} refs/pull/1/merge\n"
        ));
        assert!(local.same_as(&host), "{local:?} {host:?}");
        assert_eq!(local.host_digest(), host.host_digest());
        assert_eq!(local.digest().count, 4);
        let moved = References::of_lines(&format!("{b} refs/heads/main\n{b} refs/tags/v1\n"));
        assert!(!local.same_as(&moved));
        assert_eq!(References::default().host_digest(), None);
    }
}
