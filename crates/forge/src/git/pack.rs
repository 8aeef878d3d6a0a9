//! Asking for a pack and unwrapping it (gitprotocol-pack, "Packfile Negotiation" and "Packfile Data").

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};

use super::LENGTH;
use crate::Error;

/// Progress comes along, unread, so that the connection is not silent while the host counts.
const CAPABILITIES: &str = "side-band-64k ofs-delta agent=holdfast";

/// The bands of a line: data, words for a person, words before the end.
const DATA: u8 = 1;
const PROGRESS: u8 = 2;
const FAILED: u8 = 3;

/// Wants these objects and has none.
pub(super) fn request(wanted: &[&str]) -> Bytes {
    let mut text = String::new();
    for (number, object) in wanted.iter().enumerate() {
        let line = if number == 0 {
            format!("want {object} {CAPABILITIES}\n")
        } else {
            format!("want {object}\n")
        };
        let length = format!("{:04x}", line.len() + LENGTH);
        text.extend([length, line]);
    }
    text.push_str("00000009done\n");
    text.into()
}

/// Where the reading stands.
struct Reader<S> {
    answer: S,
    buffer: BytesMut,
    is_over: bool,
}

/// The pack's bytes; an error if the answer ends before its end is told.
pub(super) fn read(
    answer: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let reader = Reader {
        answer,
        buffer: BytesMut::new(),
        is_over: false,
    };
    stream::unfold(reader, |mut reader| async move {
        if reader.is_over {
            return None;
        }
        let next = reader.next().await.transpose()?;
        reader.is_over = next.is_err();
        Some((next, reader))
    })
    .boxed()
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Reader<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(mut line) = self.line().await? else {
                return Ok(None);
            };
            match line.first().copied() {
                Some(DATA) => {
                    line.advance(1);
                    return Ok(Some(line));
                }
                Some(FAILED) => return Err(failed(line.get(1..).unwrap_or_default())),
                Some(b'E') if line.starts_with(b"ERR ") => {
                    return Err(failed(line.get(4..).unwrap_or_default()));
                }
                // "NAK", once: nothing is common.
                Some(PROGRESS | b'N') => {}
                _ => return Err(cut("is none")),
            }
        }
    }

    /// The next line's content; nothing at the end that the host tells.
    async fn line(&mut self) -> Result<Option<Bytes>, Error> {
        self.fill(LENGTH).await?;
        let length = self
            .buffer
            .get(..LENGTH)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or_else(|| cut("is none"))?;
        if length <= LENGTH {
            return Ok(None);
        }
        self.fill(length).await?;
        let mut line = self.buffer.split_to(length).freeze();
        line.advance(LENGTH);
        Ok(Some(line))
    }

    async fn fill(&mut self, length: usize) -> Result<(), Error> {
        while self.buffer.len() < length {
            match self.answer.next().await {
                Some(chunk) => self.buffer.extend_from_slice(&chunk?),
                None => return Err(cut("ends too early")),
            }
        }
        Ok(())
    }
}

fn failed(words: &[u8]) -> Error {
    let words = String::from_utf8_lossy(words);
    Error::Transient {
        detail: format!("The host's git service failed: {}.", words.trim()),
    }
}

fn cut(how: &str) -> Error {
    Error::Corrupt {
        detail: format!("The host's pack {how}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        let mut line = format!("{:04x}", content.len() + LENGTH).into_bytes();
        line.extend(content);
        line
    }

    async fn unwrapped(answer: &[u8], step: usize) -> Result<Vec<u8>, Error> {
        let chunks: Vec<_> = answer
            .chunks(step)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        let mut stream = read(stream::iter(chunks));
        let mut all = Vec::new();
        while let Some(part) = stream.next().await {
            all.extend(part?);
        }
        Ok(all)
    }

    #[test]
    fn what_is_wanted_is_said_line_by_line() {
        let text = request(&["aa", "bb"]);
        assert_eq!(
            text,
            "0033want aa side-band-64k ofs-delta agent=holdfast\n000cwant bb\n00000009done\n"
        );
    }

    #[tokio::test]
    async fn the_pack_is_unwrapped_however_the_answer_is_cut() {
        let answer = [
            packet(b"NAK\n"),
            packet(b"\x02Counting objects\r"),
            packet(b"\x01PACK"),
            packet(b"\x01rest"),
            b"0000".to_vec(),
        ]
        .concat();
        for step in [1, 3, 7, 1000] {
            assert_eq!(unwrapped(&answer, step).await.unwrap(), b"PACKrest");
        }
        for length in 0..answer.len() {
            let early = unwrapped(&answer[..length], 5).await.unwrap_err();
            assert!(matches!(early, Error::Corrupt { .. }), "{length}: {early}");
        }
    }

    #[tokio::test]
    async fn the_host_s_words_are_told() {
        for line in [&b"\x03out of memory\n"[..], b"ERR out of memory"] {
            let answer = [packet(b"NAK\n"), packet(line)].concat();
            let failed = unwrapped(&answer, 100).await.unwrap_err();
            assert!(failed.to_string().contains("out of memory"), "{failed}");
        }
    }
}
