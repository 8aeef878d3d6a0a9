//! How much somebody gets beside others of what they share.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Twice the weight, twice as much: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Weight(u32);

impl Weight {
    /// The weight of whom nobody gave another.
    pub const USUAL: Self = Self(100);
}

impl Default for Weight {
    fn default() -> Self {
        Self::USUAL
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u32> for Weight {
    type Error = Invalid;

    fn try_from(weight: u32) -> Result<Self, Invalid> {
        if (1..=10_000).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(unusable(weight))
        }
    }
}

impl From<Weight> for u32 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl FromStr for Weight {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let weight: u32 = text
            .trim()
            .parse()
            .map_err(|_not_a_number| unusable(text))?;
        weight.try_into()
    }
}

fn unusable(said: impl fmt::Display) -> Invalid {
    Invalid::new(format!(
        "\"{said}\" is not a weight: enter a whole number from 1 to 10000; 100 is the usual one."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_never_nothing() {
        assert_eq!("100".parse(), Ok(Weight::USUAL));
        assert_eq!(" 10000 ".parse(), Weight::try_from(10_000));
        for text in ["0", "10001", "heavy", "", "-3", "99999999999"] {
            assert!(text.parse::<Weight>().is_err(), "{text}");
        }
    }
}
