//! Alerts: what somebody should know without having looked, and where it is told.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::host::{is_loopback, may_be_plain};
use crate::{Email, Invalid};

/// A credential that ends within this time is told of.
pub const EXPIRES_SOON: TimeDelta = TimeDelta::days(14);

/// Requests that somebody else has to have spent of a bucket before it is told of: fewer may be a person who looks at her account.
pub const OTHERS_AT_LEAST: u32 = 50;

/// The same as a part of the bucket's limit.
pub const OTHERS_PERCENT: u32 = 2;

/// The pauses between attempts to tell somebody; after the last one it is given up.
const PAUSES: [TimeDelta; 6] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(15),
    TimeDelta::hours(1),
    TimeDelta::hours(4),
    TimeDelta::hours(12),
];

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A host refuses a credential; no request is sent with it.
    CredentialDead,
    /// A credential ends soon.
    CredentialExpiring,
    /// A run waits because every credential of its pool is spent.
    PoolExhausted,
    /// Somebody else spends the quota of an account that is there for backups alone.
    ForeignSpending,
}

impl AlertKind {
    /// All of them, the most pressing first.
    pub const ALL: [Self; 4] = [
        Self::CredentialDead,
        Self::CredentialExpiring,
        Self::PoolExhausted,
        Self::ForeignSpending,
    ];

    /// The word in the database and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialDead => "credential_dead",
            Self::CredentialExpiring => "credential_expiring",
            Self::PoolExhausted => "pool_exhausted",
            Self::ForeignSpending => "foreign_spending",
        }
    }

    /// The name on pages and in subjects.
    pub fn label(self) -> &'static str {
        match self {
            Self::CredentialDead => "Credential refused",
            Self::CredentialExpiring => "Credential expires",
            Self::PoolExhausted => "Pool exhausted",
            Self::ForeignSpending => "Somebody else spends quota",
        }
    }
}

/// Whether somebody else has spent so much of a bucket that it should be known.
pub fn is_foreign(others_spent: u32, limit: u32) -> bool {
    let part = u64::from(limit) * u64::from(OTHERS_PERCENT) / 100;
    u64::from(others_spent) >= part.max(u64::from(OTHERS_AT_LEAST))
}

/// When to try again to tell somebody after so many attempts that failed; nothing if it is given up.
pub fn next_attempt(failed: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let index = usize::try_from(failed).ok()?.checked_sub(1)?;
    PAUSES.get(index).map(|pause| now + *pause)
}

/// How alerts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// By SMTP.
    Email,
    /// To an incoming webhook of Slack, or of what speaks like it.
    Slack,
    /// To any address, signed.
    Webhook,
}

impl ChannelKind {
    /// All of them, in the order of pages.
    pub const ALL: [Self; 3] = [Self::Email, Self::Slack, Self::Webhook];

    /// The word in the database and in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Webhook => "webhook",
        }
    }

    /// The name on pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Slack => "Slack",
            Self::Webhook => "Webhook",
        }
    }
}

impl FromStr for ChannelKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Invalid::new("Choose e-mail, Slack or webhook."))
    }
}

/// Where a channel leads, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// Messages to people. The secret is the password at the server, where it wants one.
    Email(Mail),
    /// A room of Slack. The secret is the address itself, which lets whoever knows it write there.
    Slack {
        /// The host of the address.
        host: String,
    },
    /// An address that is told. The secret signs what is sent.
    Webhook {
        /// The address.
        url: HookUrl,
    },
}

impl Target {
    /// What kind of channel it is.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Email(_) => ChannelKind::Email,
            Self::Slack { .. } => ChannelKind::Slack,
            Self::Webhook { .. } => ChannelKind::Webhook,
        }
    }
}

/// How a message reaches people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The server and its port.
    pub server: MailServer,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Who signs in there, if the server wants that.
    pub user: Option<String>,
    /// The sender.
    pub from: Email,
    /// The recipients.
    pub to: Vec<Email>,
}

impl Mail {
    /// Most recipients.
    pub const MOST: usize = 20;

    /// Refuses a connection in clear over a network, by the rule that counts for hosts.
    pub fn check(&self, http_allowed: &[String]) -> Result<(), Invalid> {
        if self.encryption == Encryption::None && !may_be_plain(&self.server.name, http_allowed) {
            return Err(Invalid::new(format!(
                "Without encryption, {} could be spoken to by anybody on the way: use TLS or STARTTLS, or name the server in HOLDFAST_ALLOW_HTTP if its network is yours alone.",
                self.server.name
            )));
        }
        Ok(())
    }
}

/// A server for mail, by name and port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailServer {
    /// Its name or address.
    pub name: String,
    /// Its port.
    pub port: u16,
}

impl FromStr for MailServer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new("Write the server as NAME:PORT, such as smtp.example.com:587.".to_owned())
        };
        let (name, port) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(wrong)?;
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let is_name = name.len() <= 253
            && !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        if !is_name && bare.parse::<IpAddr>().is_err() {
            return Err(wrong());
        }
        Ok(Self {
            name: bare.to_owned(),
            port,
        })
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl TryFrom<String> for MailServer {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<MailServer> for String {
    fn from(server: MailServer) -> Self {
        server.to_string()
    }
}

/// How a connection to a server for mail is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// From its beginning.
    Tls,
    /// From early on, and not without it.
    StartTls,
    /// Not at all.
    None,
}

impl Encryption {
    /// All of them, in the order of pages.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::None];

    /// The word in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// The name on pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::StartTls => "STARTTLS",
            Self::None => "None",
        }
    }
}

impl FromStr for Encryption {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| Invalid::new("Choose TLS, STARTTLS or none."))
    }
}

/// An address that is told of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HookUrl(Url);

impl HookUrl {
    /// Longest address.
    const LONGEST: usize = 2_000;

    /// Understands an address. Plain http is refused unless it leads to a loopback address or to a host that is named in
    /// `http_allowed`: the rule that counts for hosts, which keeps what stands open inside a network out of reach.
    pub fn parse(text: &str, http_allowed: &[String]) -> Result<Self, Invalid> {
        let text = text.trim();
        let wrong = || {
            Invalid::new(
                "This is not an address: write it as https://alerts.example.com/path.".to_owned(),
            )
        };
        let url = Url::parse(text).map_err(|_error| wrong())?;
        if text.len() > Self::LONGEST || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Invalid::new(
                "The address must not hold a user name or a password: what is sent is signed instead.",
            ));
        }
        let host = url.host_str().unwrap_or_default();
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if may_be_plain(host, http_allowed) => Ok(Self(url)),
            "http" => Err(Invalid::new(format!(
                "http://{host} would send alerts in clear: use https, or name the host in HOLDFAST_ALLOW_HTTP if its network is yours alone."
            ))),
            _ => Err(wrong()),
        }
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, with a port if there is one: what may be shown of an address that is a secret.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether it leads to this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.host_str().is_some_and(is_loopback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_reached_in_clear_on_this_machine_or_where_it_is_allowed() {
        let allowed = ["intranet".to_owned()];
        for good in [
            "https://hooks.example.com/a?b=c",
            "http://127.0.0.1:9/x",
            "http://[::1]:9/",
            "http://localhost/",
            "http://intranet/hook",
        ] {
            assert!(HookUrl::parse(good, &allowed).is_ok(), "{good}");
        }
        for bad in [
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
            "http://127.0.0.1.example.com/",
            "http://2852039166/",
            "http://intranet.example.com/",
            "https://user:word@example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https://",
            "example.com/hook",
            "",
        ] {
            let refused = HookUrl::parse(bad, &allowed);
            assert!(refused.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_for_mail_is_spoken_to_in_clear_on_this_machine_alone() {
        let mail = |server: &str, encryption| Mail {
            server: server.parse().unwrap(),
            encryption,
            user: None,
            from: "from@example.com".parse().unwrap(),
            to: vec!["to@example.com".parse().unwrap()],
        };
        for server in ["127.0.0.1:2525", "localhost:25", "[::1]:25"] {
            assert_eq!(
                mail(server, Encryption::None).check(&[]),
                Ok(()),
                "{server}"
            );
        }
        let far = mail("smtp.example.com:25", Encryption::None);
        assert!(far.check(&[]).is_err());
        assert_eq!(far.check(&["smtp.example.com".to_owned()]), Ok(()));
        for encryption in [Encryption::Tls, Encryption::StartTls] {
            assert_eq!(mail("smtp.example.com:465", encryption).check(&[]), Ok(()));
        }
    }

    #[test]
    fn a_server_is_a_name_and_a_port() {
        for good in ["smtp.example.com:587", "127.0.0.1:25", "[::1]:25"] {
            let server: MailServer = good.parse().unwrap();
            assert_eq!(server.to_string(), good);
        }
        for bad in [
            "smtp.example.com",
            "a b:25",
            ":25",
            "x:0",
            "x:70000",
            "http://x:25",
            "a\r\nb:25",
        ] {
            assert!(bad.parse::<MailServer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_heard_is_repeated_ever_later_and_given_up_in_the_end() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let pauses: Vec<_> = (1..)
            .map_while(|failed| next_attempt(failed, now))
            .map(|at| at - now)
            .collect();
        assert_eq!(pauses.len(), 6);
        assert!(pauses.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(next_attempt(0, now), None);
    }

    #[test]
    fn a_person_who_looks_at_her_account_is_no_alert() {
        assert!(!is_foreign(0, 0));
        assert!(!is_foreign(49, 1_000));
        assert!(is_foreign(50, 1_000));
        assert!(!is_foreign(99, 5_000));
        assert!(is_foreign(100, 5_000));
    }

    #[test]
    fn a_target_survives_its_stored_form() {
        for target in [
            Target::Slack {
                host: "hooks.slack.com".to_owned(),
            },
            Target::Webhook {
                url: HookUrl::parse("https://example.com/x", &[]).unwrap(),
            },
            Target::Email(Mail {
                server: "smtp.example.com:587".parse().unwrap(),
                encryption: Encryption::StartTls,
                user: Some("bot".to_owned()),
                from: "from@example.com".parse().unwrap(),
                to: vec!["to@example.com".parse().unwrap()],
            }),
        ] {
            let stored = serde_json::to_value(&target).unwrap();
            assert_eq!(stored["kind"], target.kind().as_str());
            assert_eq!(serde_json::from_value::<Target>(stored).unwrap(), target);
        }
    }
}
