//! A bare repository on this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::command::Git;
use super::failure::{Class, Failure};
use super::packs;
use super::references::References;

/// Packs are never rewritten behind our back, small fetches become packs like large ones, and nothing is written that a snapshot
/// does not need. Objects are not judged while fetching: old repositories with malformed ones must be kept too.
const CONFIG: &str = "[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	logAllRefUpdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
[fetch]
	unpackLimit = 1
	writeCommitGraph = false
[transfer]
	unpackLimit = 1
[pack]
	writeReverseIndex = false
[repack]
	writeBitmaps = false
	updateServerInfo = false
";
/// Above this many packs, they are joined.
const MOST_PACKS: usize = 50;
/// Joining packs of a large repository is silent work.
const REPACK: Duration = Duration::from_hours(6);

/// A bare repository on this machine. Whoever holds it is alone with it.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    path: PathBuf,
    cancel: CancellationToken,
}

impl Mirror {
    /// Names the place; touches nothing.
    pub(crate) fn at(path: PathBuf, cancel: CancellationToken) -> Self {
        Self { path, cancel }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.join("HEAD").is_file()
    }

    /// Makes an empty repository unless there is one, and removes what killed commands left behind.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let prepare = || -> io::Result<()> {
            if !self.exists() {
                for folder in ["objects/pack", "refs/heads", "refs/tags"] {
                    fs::create_dir_all(self.path.join(folder))?;
                }
                fs::write(self.path.join("config"), CONFIG)?;
                fs::write(self.path.join("HEAD"), "ref: refs/heads/main\n")?;
            }
            remove_leftovers(&self.path.join("objects/pack"), &|name| {
                name.starts_with("tmp_") || is_lock(name)
            })?;
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                let name = entry.file_name();
                if entry.file_type()?.is_file() && is_lock(&name.to_string_lossy()) {
                    fs::remove_file(entry.path())?;
                }
            }
            remove_leftovers(&self.path.join("refs"), &is_lock)
        };
        prepare().map_err(|error| Failure::file(&self.path, &error))
    }

    /// The branch that a clone checks out.
    pub(super) fn set_head(&self, branch: &str) -> Result<(), Failure> {
        let set = || -> io::Result<()> {
            let (path, content) = (
                self.path.join("HEAD"),
                format!("ref: refs/heads/{branch}\n"),
            );
            if fs::read_to_string(&path)? != content {
                fs::write(path, content)?;
            }
            Ok(())
        };
        set().map_err(|error| Failure::file(&self.path, &error))
    }

    /// What there is.
    pub(crate) fn references(&self) -> Result<References, Failure> {
        References::of_repository(&self.path).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Gives an empty mirror its references, once its pack holds what they point to.
    pub(super) fn set_references(
        &self,
        references: &References,
        objects: &[&str],
    ) -> Result<(), Failure> {
        let held = packs::holds(&self.path.join("objects/pack"), objects);
        if !held.map_err(|error| Failure::file(&self.path, &error))? {
            return Err(Failure::new(
                Class::Host,
                "the host's pack lacks objects that were asked for",
            ));
        }
        references
            .write(&self.path)
            .map_err(|error| Failure::file(&self.path, &error))
    }

    /// Creates and deletes references, all or none.
    pub(super) async fn update_references(&self, commands: String) -> Result<(), Failure> {
        Git::on(&self.path, ["update-ref", "--stdin"])
            .input(commands.into_bytes())
            .run(&self.cancel)
            .await
            .map(|_silence| ())
    }

    /// Puts all references into one file, which a snapshot reads at once.
    pub(super) fn pack_references(&self) -> Result<(), Failure> {
        References::pack(&self.path).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Joins small packs when there are many. Joining all into one would store the repository anew each time: the order of objects
    /// changes, and with it every byte.
    pub(super) async fn compact(&self) -> Result<(), Failure> {
        let sizes = self
            .pack_sizes()
            .map_err(|error| Failure::file(&self.path, &error))?;
        let largest = sizes.iter().max().copied().unwrap_or_default();
        let rest = sizes.iter().sum::<u64>() - largest;
        let scattered = sizes.len() > MOST_PACKS || (sizes.len() > 10 && rest > largest / 2);
        if !scattered {
            return Ok(());
        }
        Git::on(&self.path, ["repack", "-q", "-d", "--geometric=2"])
            .silent_for(REPACK)
            .run(&self.cancel)
            .await
            .map(|_silence| ())
    }

    pub(super) fn pack_sizes(&self) -> io::Result<Vec<u64>> {
        let mut sizes = Vec::new();
        for entry in fs::read_dir(self.path.join("objects/pack"))? {
            let entry = entry?;
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "pack")
            {
                sizes.push(entry.metadata()?.len());
            }
        }
        Ok(sizes)
    }
}

/// Git's lock files stay behind when it is killed.
fn is_lock(name: &str) -> bool {
    name.strip_suffix(".lock").is_some()
}

/// Removes files by name in a folder and all below.
fn remove_leftovers(folder: &Path, is_leftover: &dyn Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_leftovers(&entry.path(), is_leftover)?;
        } else if is_leftover(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
