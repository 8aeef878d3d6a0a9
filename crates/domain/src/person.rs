//! People: how they sign in, what they are called, and what a member of a tenant may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// What a member of a tenant may do; each role may do everything that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Reads.
    Auditor,
    /// Runs plans and sees everything but secrets.
    Operator,
    /// Changes credentials and plans, and brings backups back.
    Admin,
    /// Everything, members included.
    Owner,
}

impl MemberRole {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Operator, Self::Admin, Self::Owner];

    /// The word that is stored and written in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The word that is shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Auditor => "Auditor",
            Self::Operator => "Operator",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        }
    }

    /// What a member with it may do, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Auditor => "Reads everything but secrets.",
            Self::Operator => "Also runs and cancels tasks.",
            Self::Admin => {
                "Also changes organizations, credentials, passwords and plans, and restores."
            }
            Self::Owner => "Everything, also members and their roles.",
        }
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MemberRole {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Invalid::new("Choose a role: auditor, operator, admin or owner."))
    }
}

/// How the console looks to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the person's device says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word that is stored and written in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word that is shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "Like the device",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

impl FromStr for Theme {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|theme| theme.as_str() == text)
            .ok_or_else(|| Invalid::new("Choose a theme: system, light or dark."))
    }
}

/// An e-mail address in small letters, by which a person signs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Longest address, in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
    pub const MAX: usize = 254;

    /// Longest part before the @, in bytes (RFC 5321, 4.5.3.1.1).
    const LOCAL_MAX: usize = 64;

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().to_lowercase();
        let fits = text.len() <= Self::MAX
            && text.rsplit_once('@').is_some_and(|(local, domain)| {
                !local.is_empty() && local.len() <= Self::LOCAL_MAX && is_domain(domain)
            })
            && text.matches('@').count() == 1
            && !text.chars().any(|c| {
                c.is_whitespace()
                    || c.is_control()
                    || matches!(c, '<' | '>' | '(' | ')' | '"' | ',' | ':' | ';' | '\\')
            });
        if fits {
            Ok(Self(text))
        } else {
            // The text is not repeated: it may be very long, or a password typed into the wrong field.
            Err(Invalid::new(
                "This is not an e-mail address: write it like ada@example.com.",
            ))
        }
    }
}

/// Whether mail could be delivered there: labels of letters, digits and hyphens, with dots between them.
fn is_domain(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    })
}

impl TryFrom<String> for Email {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person is called: a line of text in any language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Longest name, in characters.
    pub const MAX: usize = 100;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            Err(Invalid::new("Write the name that others see."))
        } else if text.chars().count() > Self::MAX {
            Err(Invalid::new(format!(
                "This name is too long: use at most {} characters.",
                Self::MAX
            )))
        } else if text.chars().any(|c| c.is_control() || is_direction(c)) {
            Err(Invalid::new(
                "This name has characters that cannot be seen: type it anew.",
            ))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// Whether a character turns the direction of what follows, by which one name can be made to look like another.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl TryFrom<String> for PersonName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
