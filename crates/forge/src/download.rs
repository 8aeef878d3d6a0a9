//! Bytes that come as a stream: release assets and whatever else an API redirects to.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::ForgeKind;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use url::Url;

use crate::Error;
use crate::client::Client;
use crate::gate::{Authority, Delivery};
use crate::limits::{Dialect, headers};
use crate::request::{self, Ask, Payload, REPEATS, Reply};
use crate::{Repository, address, rest};
use budget::Demand;

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// The announced length is that of the bytes themselves.
const AS_THEY_ARE: HeaderValue = HeaderValue::from_static("identity");

/// A running download. Its body ends with an error when it is cut short, too long, or stands still for too long.
pub struct Download {
    /// How many bytes the host announced.
    pub length: Option<u64>,
    /// The bytes.
    pub body: Body,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The bytes of a [`Download`].
pub struct Body(BoxStream<'static, Result<Bytes, Error>>);

impl Body {
    pub(crate) fn of(bytes: BoxStream<'static, Result<Bytes, Error>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body(…)")
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl Client {
    /// The bytes of a file that the API names by number: a release asset of GitHub, an upload of GitLab.
    ///
    /// The API answers with the bytes or with a signed address (GitHub docs, get a release asset); a token sent to the
    /// latter is refused, and would be given away.
    pub async fn asset(&self, repository: &Repository, asset_id: i64) -> Result<Download, Error> {
        let (path, endpoint) = match self.host().kind() {
            ForgeKind::GitHub => (
                format!("repos/{}/releases/assets/{asset_id}", repository.name),
                "releases/assets",
            ),
            // GitLab docs, project Markdown uploads, "Download an uploaded file by ID" (17.2).
            ForgeKind::GitLab => (
                format!("projects/{}/uploads/{asset_id}", repository.id),
                "uploads",
            ),
        };
        self.bytes(&path, endpoint).await
    }

    /// Bytes that the API answers, or that it points to.
    pub(crate) async fn bytes(
        &self,
        path: &str,
        endpoint: &'static str,
    ) -> Result<Download, Error> {
        let url = address::below(self.host().rest(), path)?;
        let ask = Ask {
            headers: vec![
                (header::ACCEPT, BYTES),
                (header::ACCEPT_ENCODING, AS_THEY_ARE),
            ],
            delivery: Delivery::Stream,
            ..rest::ask(self.host(), url, Demand::rest(endpoint))
        };
        let reply = request::send(self.shared(), &self.authority(), &ask).await?;
        match reply.payload {
            Payload::Elsewhere(url) => self.fetch(url, Vec::new()).await,
            Payload::Stream(body) => Ok(download(&reply.headers, body)),
            Payload::Json(_) => Err(no_bytes()),
        }
    }

    /// The bytes at an address that is its own permission.
    pub(crate) async fn fetch(
        &self,
        url: Url,
        given: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Download, Error> {
        let mut headers = vec![(header::ACCEPT_ENCODING, AS_THEY_ARE)];
        headers.extend(given);
        let ask = Ask {
            forge: self.host().kind(),
            method: Method::GET,
            url,
            headers,
            body: None,
            demand: Demand::free("storage"),
            dialect: Dialect::Storage,
            delivery: Delivery::Stream,
            home: None,
            repeats: REPEATS,
        };
        let sent = request::send(self.shared(), &Authority::Nobody, &ask);
        let Reply {
            headers, payload, ..
        } = tokio::select! {
            biased;
            () = self.session().scope.cancel.cancelled() => return Err(Error::Cancelled),
            reply = sent => reply?,
        };
        match payload {
            Payload::Stream(body) => Ok(download(&headers, body)),
            Payload::Json(_) | Payload::Elsewhere(_) => Err(no_bytes()),
        }
    }
}

fn download(headers: &HeaderMap, body: BoxBody<Bytes, octocrab::Error>) -> Download {
    let is_encoded = headers::text(headers, header::CONTENT_ENCODING.as_str())
        .is_some_and(|coding| coding != "identity");
    let length = headers::text(headers, header::CONTENT_LENGTH.as_str())
        .filter(|_| !is_encoded)
        .and_then(|length| length.parse().ok());
    Download {
        length,
        body: Body(counted(chunks(body), length)),
    }
}

/// A body's bytes as they come.
pub(crate) fn chunks(
    body: BoxBody<Bytes, octocrab::Error>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    body.into_data_stream()
        .map(|chunk| chunk.map_err(request::unwrap))
        .boxed()
}

/// The chunks, followed by an error if their number of bytes is not the one announced.
fn counted(
    chunks: BoxStream<'static, Result<Bytes, Error>>,
    length: Option<u64>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let state = (chunks, 0_u64, false);
    stream::unfold(state, move |(mut chunks, seen, is_over)| async move {
        if is_over {
            return None;
        }
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let seen = seen.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                Some((Ok(chunk), (chunks, seen, false)))
            }
            Some(Err(error)) => Some((Err(error), (chunks, seen, true))),
            None => {
                let announced = length.filter(|length| *length != seen)?;
                let error = Error::Corrupt {
                    detail: format!("{seen} bytes came where {announced} were announced."),
                };
                Some((Err(error), (chunks, seen, true)))
            }
        }
    })
    .boxed()
}

fn no_bytes() -> Error {
    Error::Protocol {
        detail: "The host answered something else than bytes to a download.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: &[&'static str], length: Option<u64>) -> Result<usize, Error> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let mut body = counted(stream::iter(chunks).boxed(), length);
        let mut seen = 0;
        while let Some(chunk) = body.next().await {
            seen += chunk?.len();
        }
        Ok(seen)
    }

    #[tokio::test]
    async fn a_download_of_another_length_ends_with_an_error() {
        assert_eq!(read(&["ab", "c"], Some(3)).await, Ok(3));
        assert_eq!(read(&["ab", "c"], None).await, Ok(3));
        for length in [2, 4] {
            assert!(matches!(
                read(&["ab", "c"], Some(length)).await,
                Err(Error::Corrupt { .. })
            ));
        }
    }
}
