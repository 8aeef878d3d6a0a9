//! Somebody with a browser, as far as the server can tell.

use anyhow::{Context, Result, bail};
use ureq::Agent;
use ureq::http::header;

/// Carries the cookie that signing in has set.
#[derive(Debug)]
pub(super) struct Visitor {
    agent: Agent,
    base: String,
    cookie: Option<String>,
}

impl Visitor {
    /// Nobody yet.
    pub(super) fn new(base: &str) -> Self {
        Self {
            agent: agent(),
            base: base.to_owned(),
            cookie: None,
        }
    }

    /// The same person through a connection of her own.
    pub(super) fn with_own_connection(&self) -> Self {
        Self {
            agent: agent(),
            base: self.base.clone(),
            cookie: self.cookie.clone(),
        }
    }

    /// Views a page, to its last byte. Anything but the page itself is a failure of the bench.
    pub(super) fn open(&self, path: &str) -> Result<String> {
        let mut request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header(header::ACCEPT, "text/html");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut response = request.call()?;
        if response.status() != 200 {
            bail!("{path} was answered with {}", response.status());
        }
        Ok(response.body_mut().read_to_string()?)
    }

    /// Sends a form, keeps the cookie that comes back, and answers where it leads.
    pub(super) fn send(&mut self, path: &str, form: &[(&str, &str)]) -> Result<String> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header(header::ORIGIN, &self.base);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut response = request.send_form(form.iter().copied())?;
        if !response.status().is_redirection() {
            bail!(
                "the form for {path} was answered with {}: {}",
                response.status(),
                response.body_mut().read_to_string()?
            );
        }
        let text = |value: &header::HeaderValue| value.to_str().map(str::to_owned);
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            let cookie = text(cookie)?;
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let to = response
            .headers()
            .get(header::LOCATION)
            .context("the answer leads nowhere")?;
        Ok(text(to)?)
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into()
}
