//! Forge instances and their addresses.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Invalid;
use crate::name::shown;

/// Which vendor's software a host runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// github.com, GHE.com or a GitHub Enterprise Server.
    #[default]
    GitHub,
    /// gitlab.com or a self-managed GitLab.
    GitLab,
}

impl ForgeKind {
    /// The word used in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    /// The vendor's own spelling.
    pub fn label(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
        }
    }
}

impl std::str::FromStr for ForgeKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "github" => Ok(Self::GitHub),
            "gitlab" => Ok(Self::GitLab),
            _ => Err(Invalid::new(format!(
                "\"{text}\" is not a kind of host that can be registered: use github or gitlab."
            ))),
        }
    }
}

/// One forge instance, known by its web address; the addresses of its parts follow from it.
///
/// Layout of the parts: GitHub docs, "REST API base path" and "GitHub Enterprise Server" (`/api/v3`, `/api/graphql`); GitLab
/// docs, "REST API" (`/api/v4`) and "GraphQL API" (`/api/graphql`), below a relative URL too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    kind: ForgeKind,
    web: Url,
    rest: Url,
    graphql: Url,
}

impl Host {
    /// Understands github.com, a host's web address, or its API address ending in `/api/v3` or `/api/v4`.
    ///
    /// Plain http is refused unless the host is a loopback address or named in `http_allowed`.
    pub fn parse(kind: ForgeKind, text: &str, http_allowed: &[String]) -> Result<Self, Invalid> {
        let text = text.trim();
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let url = Url::parse(&with_scheme).map_err(|error| {
            Invalid::new(format!(
                "{} is not the address of a host ({error}): write it as https://git.example.com.",
                shown(text)
            ))
        })?;
        check_address(&url, text)?;
        check_scheme(&url, http_allowed)?;
        match kind {
            ForgeKind::GitHub => Self::github(url),
            ForgeKind::GitLab => Ok(Self::gitlab(url)),
        }
    }

    /// Reads back the text form of a host that was accepted before; the rules for plain http were applied then.
    pub fn accepted(kind: ForgeKind, text: &str) -> Result<Self, Invalid> {
        let host = Url::parse(text)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        Self::parse(kind, text, host.as_slice())
    }

    fn github(mut web: Url) -> Result<Self, Invalid> {
        let host = web.host_str().unwrap_or_default().to_owned();
        if matches!(
            host.as_str(),
            "github.com" | "www.github.com" | "api.github.com"
        ) {
            return Ok(Self {
                kind: ForgeKind::GitHub,
                web: fixed("https://github.com/")?,
                rest: fixed("https://api.github.com/")?,
                graphql: fixed("https://api.github.com/graphql")?,
            });
        }
        let path = web.path().trim_end_matches('/');
        let prefix = path
            .strip_suffix("/api/v3")
            .or_else(|| path.strip_suffix("/api/graphql"))
            .unwrap_or(path)
            .to_owned();
        web.set_path(&format!("{prefix}/"));
        // GHE.com gives every enterprise its own subdomain, with the API on a subdomain of that.
        if let Some(name) = host.strip_suffix(".ghe.com") {
            let name = name.strip_prefix("api.").unwrap_or(name);
            return Ok(Self {
                kind: ForgeKind::GitHub,
                web: fixed(&format!("https://{name}.ghe.com/"))?,
                rest: fixed(&format!("https://api.{name}.ghe.com/"))?,
                graphql: fixed(&format!("https://api.{name}.ghe.com/graphql"))?,
            });
        }
        let below = |path: &str| {
            let mut url = web.clone();
            url.set_path(&format!("{prefix}{path}"));
            url
        };
        Ok(Self {
            kind: ForgeKind::GitHub,
            rest: below("/api/v3/"),
            graphql: below("/api/graphql"),
            web,
        })
    }

    fn gitlab(mut web: Url) -> Self {
        if web.host_str() == Some("www.gitlab.com") && web.set_host(Some("gitlab.com")).is_err() {
            return Self::at(&web, "");
        }
        let path = web.path().trim_end_matches('/');
        let prefix = path
            .strip_suffix("/api/v4")
            .or_else(|| path.strip_suffix("/api/graphql"))
            .unwrap_or(path)
            .to_owned();
        Self::at(&web, &prefix)
    }

    /// A GitLab below a path.
    fn at(web: &Url, prefix: &str) -> Self {
        let below = |path: &str| {
            let mut url = web.clone();
            url.set_path(&format!("{prefix}{path}"));
            url
        };
        Self {
            kind: ForgeKind::GitLab,
            rest: below("/api/v4/"),
            graphql: below("/api/graphql"),
            web: below("/"),
        }
    }

    /// Whether it is the vendor's own service, whose limits its documents name.
    pub fn is_vendors(&self) -> bool {
        let name = match self.kind {
            ForgeKind::GitHub => "github.com",
            ForgeKind::GitLab => "gitlab.com",
        };
        self.web.host_str() == Some(name)
    }

    /// The vendor's software.
    pub fn kind(&self) -> ForgeKind {
        self.kind
    }

    /// Where people browse and git clones, ending in `/`.
    pub fn web(&self) -> &Url {
        &self.web
    }

    /// Base of the REST API, ending in `/`.
    pub fn rest(&self) -> &Url {
        &self.rest
    }

    /// The GraphQL endpoint.
    pub fn graphql(&self) -> &Url {
        &self.graphql
    }

    /// The host in short, with a port when it is not the scheme's own: names buckets, labels and folders.
    pub fn authority(&self) -> String {
        let host = self.web.host_str().unwrap_or_default();
        let path = self.web.path().trim_end_matches('/');
        match self.web.port() {
            Some(port) => format!("{host}:{port}{path}"),
            None => format!("{host}{path}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.web.as_str().trim_end_matches('/'))
    }
}

fn fixed(text: &str) -> Result<Url, Invalid> {
    Url::parse(text).map_err(|error| Invalid::new(format!("{text}: {error}.")))
}

fn check_address(url: &Url, text: &str) -> Result<(), Invalid> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Invalid::new(
            "The address of a host must not hold a user name or a password: give the token apart from it.",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) || url.query().is_some() || url.fragment().is_some()
    {
        return Err(Invalid::new(format!(
            "{} is not the address of a host: write it as https://git.example.com.",
            shown(text)
        )));
    }
    Ok(())
}

/// Whether the name or address is this machine's own.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether a host may be spoken to without encryption.
pub(crate) fn may_be_plain(host: &str, http_allowed: &[String]) -> bool {
    is_loopback(host) || http_allowed.iter().any(|allowed| allowed == host)
}

fn check_scheme(url: &Url, http_allowed: &[String]) -> Result<(), Invalid> {
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(()),
        "http" if may_be_plain(host, http_allowed) => Ok(()),
        "http" => Err(Invalid::new(format!(
            "http://{host} would send tokens in clear: use https, or name the host in HOLDFAST_ALLOW_HTTP if its network is yours alone."
        ))),
        other => Err(Invalid::new(format!(
            "{other}:// is not an address of a host: write it as https://git.example.com."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, String) {
        let host = Host::parse(ForgeKind::GitHub, text, &[]).unwrap();
        (
            host.to_string(),
            host.rest().to_string(),
            host.graphql().to_string(),
        )
    }

    #[test]
    fn every_usual_spelling_is_understood() {
        let dotcom = (
            "https://github.com".to_owned(),
            "https://api.github.com/".to_owned(),
            "https://api.github.com/graphql".to_owned(),
        );
        for text in [
            "github.com",
            "https://github.com/",
            "https://api.github.com",
        ] {
            assert_eq!(parts(text), dotcom, "{text}");
        }
        let server = (
            "https://git.acme.test".to_owned(),
            "https://git.acme.test/api/v3/".to_owned(),
            "https://git.acme.test/api/graphql".to_owned(),
        );
        for text in [
            "git.acme.test",
            "https://git.acme.test/api/v3",
            "https://git.acme.test/api/v3/",
        ] {
            assert_eq!(parts(text), server, "{text}");
        }
        assert_eq!(
            parts("http://127.0.0.1:8080").1,
            "http://127.0.0.1:8080/api/v3/"
        );
        assert_eq!(parts("octo.ghe.com").1, "https://api.octo.ghe.com/");
    }

    #[test]
    fn a_gitlab_may_lie_below_a_path() {
        for (text, web, rest) in [
            (
                "gitlab.com",
                "https://gitlab.com",
                "https://gitlab.com/api/v4/",
            ),
            (
                "www.gitlab.com",
                "https://gitlab.com",
                "https://gitlab.com/api/v4/",
            ),
            (
                "https://dev.acme.test/gitlab/api/v4/",
                "https://dev.acme.test/gitlab",
                "https://dev.acme.test/gitlab/api/v4/",
            ),
        ] {
            let host = Host::parse(ForgeKind::GitLab, text, &[]).unwrap();
            assert_eq!(
                (host.to_string().as_str(), host.rest().as_str()),
                (web, rest)
            );
            assert_eq!(
                Host::accepted(ForgeKind::GitLab, &host.to_string()),
                Ok(host)
            );
        }
    }

    #[test]
    fn plain_http_is_for_loopback_or_for_hosts_allowed_by_name() {
        let refused = Host::parse(ForgeKind::GitHub, "http://git.acme.test", &[]).unwrap_err();
        assert!(refused.0.contains("HOLDFAST_ALLOW_HTTP"), "{refused}");
        assert!(
            Host::parse(
                ForgeKind::GitHub,
                "http://git.acme.test",
                &["git.acme.test".into()]
            )
            .is_ok()
        );
        assert!(Host::parse(ForgeKind::GitHub, "http://[::1]:9", &[]).is_ok());
        assert!(Host::accepted(ForgeKind::GitHub, "http://git.acme.test:3000").is_ok());
        for bad in [
            "ftp://x",
            "https://user:pw@x",
            "https://",
            "::",
            "https://x/?q",
        ] {
            assert!(Host::parse(ForgeKind::GitHub, bad, &[]).is_err(), "{bad}");
        }
    }
}
