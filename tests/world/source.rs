//! Reading what was restored, and the git repositories that it came from.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// The refs of a bare repository that a backup promises to keep, by name.
pub(crate) async fn refs(repository: &Path) -> BTreeMap<String, String> {
    let output = Command::new("git")
        .arg("-c")
        .arg("safe.directory=*")
        .arg("--git-dir")
        .arg(repository)
        .args(["for-each-ref", "--format=%(refname) %(objectname)"])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        repository.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, id)| (name.to_owned(), id.to_owned()))
        .collect()
}

/// How many records a file of metadata holds; a file that is not there holds none.
pub(crate) fn lines(file: &Path) -> usize {
    match std::fs::read_to_string(file) {
        Ok(text) => text.lines().count(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}
