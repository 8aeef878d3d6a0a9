//! What a device needs to make a person's one-time codes: a picture, and the same in letters.

use std::fmt::Write as _;

use domain::{Email, Secret};
use qrcode::{Color, QrCode};

use crate::error::Error;
use crate::second_factor;

/// Modules of white around a QR code, without which it cannot be read (ISO/IEC 18004).
const QUIET: usize = 4;

/// A seed to be taken over to a device.
#[derive(Debug)]
pub(super) struct Enrolment {
    /// The seed, in groups of four for a person to type.
    pub(super) typed: String,
    /// Pixels along a side of the picture.
    pub(super) side: usize,
    /// The dark pixels of the picture, as the path of an SVG.
    pub(super) path: String,
}

impl Enrolment {
    pub(super) fn new(seed: &Secret, email: &Email) -> Result<Self, Error> {
        let address = second_factor::address(seed, email)?;
        let code = QrCode::new(address).map_err(|error| Error::Internal(Box::new(error)))?;
        let width = code.width();
        let mut path = String::new();
        for (index, color) in code.into_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (index % width + QUIET, index / width + QUIET);
                let _infallible = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        let letters: Vec<char> = seed.expose().chars().collect();
        let groups: Vec<String> = letters
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        Ok(Self {
            typed: groups.join(" "),
            side: width + 2 * QUIET,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_the_seed_by_picture_and_by_letters() {
        let seed = second_factor::new_seed().unwrap();
        let email = "ada@example.com".parse().unwrap();
        let enrolment = Enrolment::new(&seed, &email).unwrap();
        assert_eq!(enrolment.typed.replace(' ', ""), seed.expose());
        // Every QR code has a dark corner there, of its finder pattern.
        assert!(enrolment.path.starts_with("M4 4h1v1h-1z"));
        assert!(enrolment.side > 40);
    }
}
