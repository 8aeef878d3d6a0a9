//! Addresses within a host.

use domain::{Host, RepositoryName};
use url::Url;

use crate::Error;

/// An address below a base, from a relative path with its query.
pub(crate) fn below(base: &Url, path: &str) -> Result<Url, Error> {
    let url = base.join(path).ok().filter(|url| is_below(base, url));
    url.ok_or_else(|| Error::Protocol {
        detail: format!("\"{path}\" leads out of the host's API at {base}."),
    })
}

/// The path and query of an address relative to a base, if it is below it.
pub(crate) fn relative(base: &Url, url: &Url) -> Option<String> {
    if !is_below(base, url) {
        return None;
    }
    let path = url.path().strip_prefix(base.path())?;
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

/// Whether an address is within a base: same origin, and a path that goes on from the base's.
pub(crate) fn is_below(base: &Url, url: &Url) -> bool {
    is_same_origin(base, url) && url.path().starts_with(base.path())
}

/// Whether two addresses have the same scheme, host and port.
pub(crate) fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

/// The number in an address of the form `…/repositories/NUMBER…`, as GitHub redirects to after a rename, or
/// `…/projects/NUMBER…`, as GitLab does.
pub(crate) fn repository_number(url: &Url) -> Option<i64> {
    let mut segments = url.path_segments()?;
    segments.find(|segment| matches!(*segment, "repositories" | "projects"))?;
    segments.next()?.parse().ok()
}

/// Where git finds a repository, or what hangs below its name.
pub(crate) fn git(host: &Host, name: &RepositoryName, suffix: &str) -> Result<Url, Error> {
    below(
        host.web(),
        &format!("{}/{}{suffix}", name.owner(), name.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_api() {
        let base: Url = "https://git.acme.test/api/v3/".parse().unwrap();
        assert!(below(&base, "repos/o/r?page=2").is_ok());
        for out in [
            "../../login",
            "//evil.test/x",
            "https://evil.test/api/v3/x",
            "/x",
            "https://git.acme.test:444/api/v3/",
        ] {
            assert!(below(&base, out).is_err(), "{out}");
        }
        let link: Url = "https://git.acme.test/api/v3/repositories/7/issues?page=2"
            .parse()
            .unwrap();
        assert_eq!(
            relative(&base, &link).as_deref(),
            Some("repositories/7/issues?page=2")
        );
        assert_eq!(repository_number(&link), Some(7));
        assert_eq!(
            relative(&base, &"https://evil.test/api/v3/x".parse().unwrap()),
            None
        );
    }
}
