//! What git's words mean.

use std::path::Path;

use crate::Error;

/// Characters of git's words that a sentence repeats.
const QUOTED: usize = 300;

/// Why a git command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    /// Git's own words, in one line.
    pub(crate) words: String,
}

/// The kinds of failure that are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The token is not accepted.
    Unauthorized,
    /// The token may not read it.
    Forbidden,
    /// The host blocks the repository.
    Blocked,
    /// It does not exist, or is hidden from this token.
    NotFound,
    /// The name leads elsewhere.
    Moved,
    /// The host failed, was slow or asked to be left alone.
    Host,
    /// This machine's disk is full.
    Full,
    /// The caller gave up.
    Cancelled,
    /// Anything else.
    Other,
}

impl Failure {
    /// Reads what git wrote to its error stream.
    pub(super) fn read(stderr: &str) -> Self {
        let words: Vec<&str> = stderr
            .split(['\n', '\r'])
            .map(str::trim)
            .filter(|line| {
                ["fatal:", "error:", "remote:"]
                    .iter()
                    .any(|start| line.starts_with(start))
            })
            .filter(|line| line.len() > "remote:".len())
            .collect();
        let words = if words.is_empty() {
            stderr.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            words.join(" ")
        };
        Self {
            class: classify(&words),
            words: words.chars().take(QUOTED).collect(),
        }
    }

    /// What the host's git service answered in place of a list of references.
    pub(super) fn of_host(error: &forge::Error) -> Self {
        let class = match error {
            forge::Error::NoCredential { .. } => Class::Unauthorized,
            forge::Error::Denied { .. } => Class::Forbidden,
            forge::Error::Missing { .. } | forge::Error::Disabled { .. } => Class::NotFound,
            forge::Error::Blocked { .. } => Class::Blocked,
            forge::Error::Moved { .. } => Class::Moved,
            forge::Error::Cancelled => Class::Cancelled,
            forge::Error::Transient { .. }
            | forge::Error::Corrupt { .. }
            | forge::Error::Throttled { .. } => Class::Host,
            forge::Error::Protocol { .. } => Class::Other,
        };
        Self::new(class, error.to_string())
    }

    pub(super) fn new(class: Class, words: impl Into<String>) -> Self {
        Self {
            class,
            words: words.into(),
        }
    }

    /// A failure of this machine's file system.
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        let class = if crate::error::is_full(error) {
            Class::Full
        } else {
            Class::Other
        };
        Self::new(class, format!("{}: {error}", path.display()))
    }

    /// The status to report to the pool, where the host gave one that says something of the credential.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.class {
            Class::Unauthorized => Some(401),
            Class::Forbidden => Some(403),
            Class::NotFound => Some(404),
            Class::Blocked
            | Class::Moved
            | Class::Host
            | Class::Full
            | Class::Cancelled
            | Class::Other => None,
        }
    }

    /// The error of a fetch that cannot go on without git.
    pub(crate) fn into_error(self, what: &str) -> Error {
        match self.class {
            Class::Cancelled => Error::Cancelled,
            Class::Full => Error::Staging {
                detail: format!(
                    "The working folder is full: {what} stopped ({}).",
                    self.words
                ),
                full: true,
            },
            class => Error::Git {
                detail: format!("{what} failed: {}.", self.words.trim_end_matches('.')),
                transient: matches!(class, Class::Host | Class::Moved | Class::Other),
            },
        }
    }
}

/// Texts of git 2.39 to 2.47 and of GitHub's git service.
fn classify(words: &str) -> Class {
    let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    if has(&["No space left on device", "Disk quota exceeded"]) {
        Class::Full
    } else if has(&["error: 451", "access blocked", "has been disabled", "DMCA"]) {
        Class::Blocked
    } else if has(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "error: 401",
        "Invalid username or token",
        "Bad credentials",
    ]) {
        Class::Unauthorized
    } else if has(&[
        "Repository not found",
        "not found",
        "error: 404",
        "error: 410",
    ]) {
        Class::NotFound
    } else if has(&[
        "error: 403",
        "not granted",
        "Permission denied",
        "protected by organization SAML",
    ]) {
        Class::Forbidden
    } else if has(&[
        "error: 301",
        "error: 302",
        "error: 307",
        "error: 308",
        "unable to update url base from redirection",
    ]) {
        Class::Moved
    } else if has(&[
        "error: 429",
        "error: 5",
        "rate-limited",
        "temporarily limiting",
        "Could not resolve host",
        "Failed to connect",
        "Couldn't connect",
        "Connection reset",
        "Connection refused",
        "timed out",
        "Operation too slow",
        "early EOF",
        "RPC failed",
        "hung up unexpectedly",
        "unexpected disconnect",
        "GnuTLS",
        "SSL",
    ]) {
        Class::Host
    } else {
        Class::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_words_are_understood() {
        for (stderr, class) in [
            (
                "remote: Repository not found.\nfatal: repository 'https://h/o/r.git/' not found",
                Class::NotFound,
            ),
            (
                "fatal: Authentication failed for 'https://h/o/r.git/'",
                Class::Unauthorized,
            ),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                Class::Unauthorized,
            ),
            (
                "remote: Write access to repository not granted.\nfatal: unable to access 'https://h/o/r.git/': The requested URL returned error: 403",
                Class::Forbidden,
            ),
            (
                "fatal: unable to access 'https://h/o/r.git/': The requested URL returned error: 451",
                Class::Blocked,
            ),
            (
                "fatal: unable to access 'https://h/o/r.git/': The requested URL returned error: 500",
                Class::Host,
            ),
            (
                "fatal: unable to access 'https://h/o/r.git/': The requested URL returned error: 301",
                Class::Moved,
            ),
            (
                "error: RPC failed; curl 18 transfer closed\nfatal: early EOF",
                Class::Host,
            ),
            (
                "fatal: unable to access 'http://127.0.0.1:1/': Failed to connect to 127.0.0.1 port 1",
                Class::Host,
            ),
            (
                "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
                Class::Full,
            ),
            ("something nobody has seen", Class::Other),
        ] {
            assert_eq!(Failure::read(stderr).class, class, "{stderr}");
        }
    }

    #[test]
    fn progress_is_not_part_of_the_sentence() {
        let failure = Failure::read(
            "Receiving objects:  10% (1/10)\rReceiving objects:  20% (2/10)\rerror: RPC failed; curl 56\nfatal: early EOF\n",
        );
        assert_eq!(failure.words, "error: RPC failed; curl 56 fatal: early EOF");
    }
}
