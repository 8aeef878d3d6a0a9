//! The part of a pool that a plan may take.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// At most so many percent of what each quota bucket holds in a window: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct PoolPart(u8);

impl PoolPart {
    /// Everything.
    pub const ALL: Self = Self(100);

    /// The percentage.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl Default for PoolPart {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for PoolPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for PoolPart {
    type Error = Invalid;

    fn try_from(percent: u8) -> Result<Self, Invalid> {
        if (1..=100).contains(&percent) {
            Ok(Self(percent))
        } else {
            Err(Invalid::new(format!(
                "{percent} % of the pool cannot be taken: enter a whole number from 1 to 100."
            )))
        }
    }
}

impl From<PoolPart> for u8 {
    fn from(part: PoolPart) -> Self {
        part.0
    }
}

impl FromStr for PoolPart {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let percent: Option<u8> = text.trim().trim_end_matches('%').trim_end().parse().ok();
        percent
            .ok_or_else(|| {
                Invalid::new(format!(
                    "\"{text}\" is not a part of the pool: enter a whole number from 1 to 100."
                ))
            })?
            .try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_between_one_and_all() {
        assert_eq!("40 %".parse(), PoolPart::try_from(40));
        assert_eq!("100".parse(), Ok(PoolPart::ALL));
        for text in ["0", "101", "half", "", "-3", "999"] {
            assert!(text.parse::<PoolPart>().is_err(), "{text}");
        }
    }
}
