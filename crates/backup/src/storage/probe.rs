//! Whether a place can hold repositories: something is written there, read back and removed.

use std::fs;

use bytes::Bytes;
use rustic_core::{FileType, Id};
use uuid::Uuid;

use super::fault::{Class, Fault};
use super::objects::Objects;
use super::{Location, Storage};
use crate::Error;
use crate::blocking::blocking;

/// What is written.
const CONTENT: &[u8] = b"Holdfast was here to see whether this storage keeps what it is given.";

impl Storage {
    /// Tries a place that is to hold repositories; a folder is made only if `make` says so, for the disk behind a folder that is not
    /// there may only be unmounted. Nothing else stays behind.
    pub async fn probe(location: &Location, make: bool) -> Result<(), Error> {
        let location = location.clone();
        blocking(move || {
            let folder = match &location {
                Location::Local { path } => {
                    let name = path.display().to_string();
                    if make {
                        fs::create_dir_all(path).map_err(|error| Fault::file(&name, &error))?;
                    }
                    Some(path.clone())
                }
                Location::S3 { .. } => None,
            };
            let place = format!("probe-{}", Uuid::now_v7().simple());
            let tried = try_at(&Objects::at(&location, &place)?);
            if let Some(folder) = folder.map(|folder| folder.join(&place))
                && folder.exists()
            {
                let name = folder.display().to_string();
                fs::remove_dir_all(&folder).map_err(|error| Fault::file(&name, &error))?;
            }
            Ok(tried?)
        })
        .await
    }
}

fn try_at(objects: &Objects) -> Result<(), Fault> {
    objects.prepare()?;
    let id = Id::random();
    objects.write(FileType::Key, &id, Bytes::from_static(CONTENT).into())?;
    let found = objects.read(FileType::Key, &id)?;
    objects.remove(FileType::Key, &id)?;
    if found == CONTENT {
        Ok(())
    } else {
        Err(Fault::new(
            Class::Other,
            format!(
                "The storage {} gives back something else than it was given.",
                objects.name()
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_that_takes_files_is_made_and_left_empty() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let location = Location::Local { path: path.clone() };
        let absent = Storage::probe(&location, false).await.unwrap_err();
        assert!(absent.to_string().contains("not there"), "{absent}");
        assert!(!path.exists());
        Storage::probe(&location, true).await.unwrap();
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_place_that_is_no_folder_is_refused_with_a_sentence() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        fs::write(&path, b"").unwrap();
        let refused = Storage::probe(&Location::Local { path }, true)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("storage"), "{refused}");
    }
}
