//! Names and remarks in a person's own words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The name of an entry of the Password Manager: one line of any words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// What somebody noted about a thing; it may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Remark(String);

impl Label {
    /// Longest name, in characters.
    pub const MAX: usize = 120;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Remark {
    /// Longest remark, in characters.
    pub const MAX: usize = 500;

    /// The remark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 {
            return Err(Invalid::new("Give it a name."));
        }
        if length > Self::MAX {
            return Err(Invalid::new(format!(
                "The name has {length} characters: use at most {}.",
                Self::MAX
            )));
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::new(
                "The name has a line break or another control character in it: write it on one line.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Remark {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim().replace("\r\n", "\n");
        let length = text.chars().count();
        if length > Self::MAX {
            return Err(Invalid::new(format!(
                "The description has {length} characters: use at most {}.",
                Self::MAX
            )));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Invalid::new(
                "The description has a control character in it: use plain text.",
            ));
        }
        Ok(Self(text))
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

as_text!(Label, Remark);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_of_any_words() {
        assert_eq!(
            " Bot 1, grün ".parse::<Label>().unwrap().as_str(),
            "Bot 1, grün"
        );
        assert!("<b>&amp;</b>".parse::<Label>().is_ok());
        for bad in ["", "  ", "a\nb", "a\u{7}b", &"x".repeat(121)] {
            assert!(bad.parse::<Label>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_remark_may_be_empty_and_have_lines() {
        assert_eq!("".parse::<Remark>().unwrap(), Remark::default());
        assert_eq!("a\r\nb".parse::<Remark>().unwrap().as_str(), "a\nb");
        for bad in ["a\u{0}b", &"x".repeat(501)] {
            assert!(bad.parse::<Remark>().is_err(), "{bad:?}");
        }
    }
}
