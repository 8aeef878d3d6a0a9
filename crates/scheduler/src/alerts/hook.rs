//! Telling an address: Slack, or anybody, with a signature.

use aws_lc_rs::hmac;
use domain::{HookUrl, Secret};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use url::Url;

use super::PATIENCE;
use super::letter::Letter;
use crate::Error;

/// What a receiver checks: HMAC-SHA256 of the time, a dot and the body.
const SIGNATURE: &str = "x-holdfast-signature-256";
/// When it was sent, in seconds since 1970: what is old was recorded by somebody.
const TIMESTAMP: &str = "x-holdfast-timestamp";
/// The same at every attempt.
const DELIVERY: &str = "x-holdfast-delivery";

/// Speaks to addresses.
#[derive(Debug, Clone)]
pub(crate) struct Hooks {
    client: reqwest::Client,
    http_allowed: Vec<String>,
}

impl Hooks {
    pub(crate) fn new(http_allowed: Vec<String>) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .referer(false)
            .build()
            .map_err(|error| forge::Error::Protocol {
                detail: format!(
                    "The HTTP client for alerts cannot be made: {}.",
                    crate::task::sentence(&error)
                ),
            })?;
        Ok(Self {
            client,
            http_allowed,
        })
    }

    /// The address itself is the secret. It must lead to the host that was looked at when it was entered.
    pub(super) async fn slack(
        &self,
        address: &Secret,
        host: &str,
        letter: &Letter<'_>,
    ) -> Result<(), String> {
        let url = HookUrl::parse(address.expose(), &self.http_allowed)
            .ok()
            .filter(|url| url.authority() == host)
            .ok_or_else(|| {
                "The channel's address is not what it was: edit the channel and enter it again."
                    .to_owned()
            })?;
        let request = self
            .client
            .post(url.url().clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(letter.slack().to_string());
        hear(request, host).await
    }

    /// Signs what is sent.
    pub(super) async fn signed(
        &self,
        url: &HookUrl,
        key: &Secret,
        letter: &Letter<'_>,
    ) -> Result<(), String> {
        let body = letter.json().to_string();
        let at = letter.at.timestamp().to_string();
        let address: Url = url.url().clone();
        let request = self
            .client
            .post(address)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(DELIVERY, letter.id())
            .header(TIMESTAMP, &at)
            .header(SIGNATURE, signature(key, &at, &body))
            .body(body);
        hear(request, &url.authority()).await
    }
}

fn signature(key: &Secret, at: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    for part in [at, ".", body] {
        context.update(part.as_bytes());
    }
    format!("sha256={}", hex::encode(context.sign().as_ref()))
}

/// Nothing of the address but its host is named, and nothing of the answer but its status: either may be a secret.
async fn hear(request: reqwest::RequestBuilder, host: &str) -> Result<(), String> {
    let answer = request.send().await.map_err(|error| {
        let error = error.without_url();
        if error.is_timeout() {
            format!(
                "{host} did not answer within {} seconds.",
                PATIENCE.as_secs()
            )
        } else if error.is_connect() {
            format!("{host} cannot be reached: check the address, the network and its certificate.")
        } else {
            format!("The connection to {host} broke.")
        }
    })?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(format!(
            "{host} answered {status} and points elsewhere, which is not followed: enter the address that it points to."
        ))
    } else {
        Err(format!("{host} answered {status}."))
    }
}
