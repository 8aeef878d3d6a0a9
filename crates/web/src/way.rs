//! The way of a person to a host and back: where it begins, and what is said when it does not count.

use axum::http::{HeaderMap, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::application::{page, scopes};
use domain::{ForgeKind, Host, Purpose, Secret, Slot};
use sha2::{Digest, Sha256};
use store::{Application, NewAuthorization};
use url::form_urlencoded::Serializer;

use crate::console::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::headers::FormTargets;
use crate::token::Token;

/// Where hosts send people back to.
pub(crate) const GITHUB_CALLBACK: &str = "/github/callback";
/// The same for those of the other vendor.
pub(crate) const GITLAB_CALLBACK: &str = "/gitlab/callback";

/// Where a vendor's hosts send people back to.
pub(crate) fn callback(forge: ForgeKind) -> &'static str {
    match forge {
        ForgeKind::GitHub => GITHUB_CALLBACK,
        ForgeKind::GitLab => GITLAB_CALLBACK,
    }
}

/// What somebody reads whose way does not count.
pub(crate) const DOES_NOT_COUNT: &str = "Nothing was added: this way back counts once, within an hour, in the browser that began it, and for somebody who is still an admin of the tenant. Open the organization and begin again from there.";

/// The address of this console, as hosts and their people reach it.
pub(crate) fn base(console: &Console, headers: &HeaderMap) -> String {
    console.settings.public_url.as_ref().map_or_else(
        || {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or("localhost");
            format!("http://{host}")
        },
        |url| url.origin().ascii_serialization(),
    )
}

/// Begins a way: answers the address on the host that the person goes to.
pub(crate) async fn begin(
    console: &Console,
    member: &Member,
    headers: &HeaderMap,
    application: &Application,
    purpose: Purpose,
) -> Result<String, Error> {
    let forge = application.host.kind();
    // A GitLab wants to hear where to send the person, each time and with the code again.
    let returns_to = (forge == ForgeKind::GitLab)
        .then(|| format!("{}{}", base(console, headers), callback(forge)));
    let state = Token::new()?;
    let is_oauth = application.slot == Slot::OAuth;
    let verifier = if is_oauth { Some(Token::new()?) } else { None };
    let new = NewAuthorization {
        state_hash: state.hash(),
        session: member.viewer().session,
        application: application.id,
        purpose,
        verifier: Secret::new(verifier.as_ref().map_or("", Token::text)),
        returns_to: returns_to.clone(),
    };
    member
        .scoped
        .begin_authorization(&console.sealer, &new)
        .await?;
    let mut query = Serializer::new(String::new());
    let address = if let Some(verifier) = &verifier {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.text()));
        query
            .append_pair(
                "client_id",
                application.client_id.as_deref().unwrap_or_default(),
            )
            .append_pair("scope", &scopes(forge).join(" "))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        match returns_to {
            None => format!("{}/login/oauth/authorize", application.host),
            Some(address) => {
                query
                    .append_pair("response_type", "code")
                    .append_pair("redirect_uri", &address);
                format!("{}/oauth/authorize", application.host)
            }
        }
    } else {
        let slug = application.slug.as_deref().unwrap_or_default();
        format!("{}/installations/new", page(&application.host, slug))
    };
    let query = query.append_pair("state", state.text()).finish();
    Ok(format!("{address}?{query}"))
}

/// Lets the forms of a page lead to hosts.
pub(crate) fn leading_to<'a>(
    mut response: Response,
    hosts: impl IntoIterator<Item = &'a Host>,
) -> Response {
    let origins = hosts
        .into_iter()
        .map(|host| host.web().origin().ascii_serialization())
        .collect();
    response.extensions_mut().insert(FormTargets(origins));
    response
}
