//! Bytes that need not be stored: the same seed and size give the same bytes.

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

/// The piece size in which content is made and sent.
const PIECE: u64 = 64 * 1024;

/// A description of pseudo-random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Decides the bytes.
    pub seed: u64,
    /// How many there are.
    pub size: u64,
}

impl Content {
    /// The bytes from `offset` on, in pieces.
    pub fn pieces(self, offset: u64) -> impl Iterator<Item = Bytes> + Send + use<> {
        let first = offset / PIECE;
        let last = self.size.div_ceil(PIECE);
        (first..last).map(move |index| {
            let piece = self.piece(index);
            let skip = offset.saturating_sub(index * PIECE);
            piece.slice(usize::try_from(skip).unwrap_or(0).min(piece.len())..)
        })
    }

    /// The SHA-256 of all bytes, in hexadecimal.
    pub fn sha256(self) -> String {
        let mut hasher = Sha256::new();
        for piece in self.pieces(0) {
            hasher.update(&piece);
        }
        hex::encode(hasher.finalize())
    }

    fn piece(self, index: u64) -> Bytes {
        let length = PIECE.min(self.size.saturating_sub(index * PIECE));
        let length = usize::try_from(length).unwrap_or(0);
        let mut random =
            fastrand::Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(index));
        let mut bytes = BytesMut::zeroed(length);
        random.fill(&mut bytes);
        bytes.freeze()
    }
}
