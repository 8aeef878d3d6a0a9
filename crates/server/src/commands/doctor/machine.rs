//! What the machine must have.

use std::os::unix::fs::PermissionsExt;

use backup::{GIT_WITH_PROACTIVE_AUTHENTICATION, git_version};
use bytesize::ByteSize;

use super::Finding;
use crate::config::Config;

/// Less free space than this does not hold the working copy of a large repository.
const ROOMY: u64 = 5 << 30;

/// Whether git is there.
pub(super) async fn git() -> Finding {
    let (wanted_major, wanted_minor) = GIT_WITH_PROACTIVE_AUTHENTICATION;
    match git_version().await {
        Err(error) => Finding::broken(
            "git",
            format!("{error} Install git (Debian, Ubuntu: apt-get install git)."),
        ),
        Ok(found @ (major, minor)) if found >= GIT_WITH_PROACTIVE_AUTHENTICATION => {
            Finding::good("git", format!("version {major}.{minor}"))
        }
        Ok((major, minor)) => Finding::warning(
            "git",
            format!(
                "version {major}.{minor}: {wanted_major}.{wanted_minor} or newer is better, because older ones read public repositories without the token, which hosts slow down."
            ),
        ),
    }
}

/// Whether the master key is there and private.
pub(super) fn master_key(config: &Config) -> Finding {
    let Some(path) = config.master_key_file() else {
        return Finding::good("master key", "from the environment");
    };
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode().trailing_zeros() >= 6 => Finding::good(
            "master key",
            format!("{shown}: keep a copy of it elsewhere"),
        ),
        Ok(_) => Finding::broken(
            "master key",
            format!("{shown} can be read by others: run chmod 600 {shown}"),
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::warning(
            "master key",
            format!("{shown} does not exist: it is created when it is first needed."),
        ),
        Err(error) => Finding::broken(
            "master key",
            format!("{shown} cannot be looked at ({error}): check the rights of its folder."),
        ),
    }
}

/// Whether working copies have a place.
pub(super) fn data_folder(config: &Config) -> Finding {
    let path = &config.data;
    let shown = path.display();
    let probe = path.join(".holdfast-probe");
    let written = std::fs::create_dir_all(path)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        return Finding::broken(
            "data folder",
            format!(
                "{shown} cannot be written to ({error}): check its rights, or set HOLDFAST_DATA."
            ),
        );
    }
    match rustix::fs::statvfs(path) {
        Err(error) => Finding::warning(
            "data folder",
            format!("{shown}: free space unknown ({error})"),
        ),
        Ok(space) => {
            let free = space.f_bavail * space.f_frsize;
            let detail = format!("{shown}: {} free", ByteSize::b(free));
            if free < ROOMY {
                let advice = "too little for large repositories, make room";
                Finding::warning("data folder", format!("{detail}, {advice}"))
            } else {
                Finding::good("data folder", detail)
            }
        }
    }
}
