//! Telling people by SMTP.

use std::time::SystemTime;

use domain::Secret;
use domain::alert::{Encryption, Mail};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::PATIENCE;
use super::letter::Letter;

/// What of a server's words is shown.
const SHOWN: usize = 200;

/// Sends a message to all recipients at once.
pub(super) async fn send(
    target: &Mail,
    password: Option<&Secret>,
    letter: &Letter<'_>,
) -> Result<(), String> {
    let message = message(target, letter)?;
    let server = &target.server.name;
    let parameters = || {
        TlsParameters::new(server.clone())
            .map_err(|_error| format!("{server} is no name that a certificate could have."))
    };
    let tls = match target.encryption {
        Encryption::Tls => Tls::Wrapper(parameters()?),
        Encryption::StartTls => Tls::Required(parameters()?),
        Encryption::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.as_str())
        .port(target.server.port)
        .tls(tls)
        .hello_name(ClientId::Domain("holdfast.invalid".to_owned()))
        .timeout(Some(PATIENCE));
    if let (Some(user), Some(password)) = (&target.user, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    let sent = tokio::time::timeout(3 * PATIENCE, builder.build().send(message)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refusal(server, &error)),
        Err(_elapsed) => Err(format!("{server} did not answer in time.")),
    }
}

fn message(target: &Mail, letter: &Letter<'_>) -> Result<Message, String> {
    let address = |email: &domain::Email| {
        email
            .as_str()
            .parse::<Address>()
            .map_err(|_error| format!("{email} is no address that mail could be sent to."))
    };
    let from = Mailbox::new(Some("Holdfast".to_owned()), address(&target.from)?);
    let mut builder = Message::builder()
        .from(from)
        .subject(letter.subject())
        .date(SystemTime::from(letter.at))
        // The same at every attempt, so that a server that has it already can tell.
        .message_id(Some(format!("<{}@holdfast.invalid>", letter.id())))
        .header(ContentType::TEXT_PLAIN);
    for email in &target.to {
        builder = builder.to(Mailbox::new(None, address(email)?));
    }
    builder
        .body(letter.text())
        .map_err(|_error| "The message could not be put together.".to_owned())
}

/// What a server said of mail, as far as it speaks of mail at all.
fn refusal(server: &str, error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        let words = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        let words: String = words
            .chars()
            .filter(|c| !c.is_control())
            .take(SHOWN)
            .collect();
        return format!("{server} refused it: {code} {words}")
            .trim_end()
            .to_owned();
    }
    if error.is_timeout() {
        format!("{server} did not answer in time.")
    } else if error.is_tls() {
        format!(
            "{server} offers no encryption that can be trusted: check the port and its certificate."
        )
    } else if error.is_response() || error.is_client() {
        format!(
            "{server} does not speak SMTP as is needed here: check the port, the encryption and how it wants users to sign in."
        )
    } else {
        format!("{server} cannot be reached: check its name, the port and firewalls.")
    }
}
