//! What is told, in the form that each kind of channel takes.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use store::ClaimedDelivery;
use url::Url;

/// An alert, or a test, on its way.
pub(super) struct Letter<'a> {
    pub(super) claim: &'a ClaimedDelivery,
    /// Where people reach the console.
    pub(super) console: Option<&'a Url>,
    /// Now.
    pub(super) at: DateTime<Utc>,
}

impl Letter<'_> {
    /// Its number, the same at every attempt.
    pub(super) fn id(&self) -> String {
        self.claim.id.to_string()
    }

    fn label(&self) -> &'static str {
        self.claim
            .message
            .as_ref()
            .map_or("Test", |message| message.kind.label())
    }

    fn sentence(&self) -> &str {
        self.claim.message.as_ref().map_or(
            "This is a test: alerts of Holdfast reach you here.",
            |message| &message.sentence,
        )
    }

    /// The page with the alerts.
    fn link(&self) -> Option<String> {
        let console = self.console?.as_str().trim_end_matches('/');
        Some(format!("{console}/t/{}/alerts", self.claim.tenant_name))
    }

    pub(super) fn subject(&self) -> String {
        format!("Holdfast, {}: {}", self.claim.tenant_name, self.label())
    }

    /// For people, as plain text.
    pub(super) fn text(&self) -> String {
        let since = self
            .claim
            .message
            .as_ref()
            .map_or_else(String::new, |message| {
                format!(
                    "\nSince {} UTC.\n",
                    message.raised_at.format("%Y-%m-%d %H:%M")
                )
            });
        let link = self
            .link()
            .map_or_else(String::new, |link| format!("\n{link}\n"));
        format!("{}\n{since}{link}", self.sentence())
    }

    /// For Slack. What stands between angle brackets would be a link there.
    pub(super) fn slack(&self) -> Value {
        let link = self
            .link()
            .map(|link| format!("\n<{link}|Open alerts>"))
            .unwrap_or_default();
        json!({
            "text": format!(
                "*{}* in {}\n{}{link}",
                self.label(),
                escaped(self.claim.tenant_name.as_str()),
                escaped(self.sentence())
            ),
        })
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let message = self.claim.message.as_ref();
        json!({
            "delivery": self.id(),
            "event": if message.is_some() { "alert.raised" } else { "test" },
            "tenant": self.claim.tenant_name,
            "alert": message.map(|one| one.alert),
            "kind": message.map(|one| one.kind),
            "sentence": self.sentence(),
            "raised_at": message.map(|one| one.raised_at),
            "until": message.and_then(|one| one.until),
            "url": self.link(),
        })
    }
}

/// Slack docs, "Formatting text for app surfaces": three characters are control characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
