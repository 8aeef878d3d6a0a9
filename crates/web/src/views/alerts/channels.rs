//! Channels on which a tenant is told of alerts, for its admins.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::alert::{Encryption, Mail, MailServer};
use domain::{ChannelId, ChannelKind, Email, HookUrl, Label, MemberRole, Secret, Target};
use store::{Channel, ChannelSecret, Heard, NewChannel};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::views::checks;

/// Shortest secret that signs.
const SHORTEST: usize = 16;

/// Longest secret.
const LONGEST: usize = 2_000;

pub(super) fn routes() -> Vec<Route> {
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    vec![
        Route::get("/t/{tenant}/alerts/channels", ADMIN, list),
        Route::get("/t/{tenant}/alerts/channels/new/{kind}", ADMIN, new),
        Route::post("/t/{tenant}/alerts/channels/new/{kind}", ADMIN, create),
        Route::get("/t/{tenant}/alerts/channels/{channel}/edit", ADMIN, edit),
        Route::post("/t/{tenant}/alerts/channels/{channel}/edit", ADMIN, update),
        Route::post("/t/{tenant}/alerts/channels/{channel}/test", ADMIN, test),
        Route::get(
            "/t/{tenant}/alerts/channels/{channel}/remove",
            ADMIN,
            confirm,
        ),
        Route::post(
            "/t/{tenant}/alerts/channels/{channel}/remove",
            ADMIN,
            delete,
        ),
    ]
}

type One = Path<(String, ChannelId)>;

/// The channels, with a panel over them or none.
#[derive(Template)]
#[template(path = "alerts/channels.html")]
struct ChannelsPage {
    page: Page,
    now: DateTime<Utc>,
    channels: Vec<Channel>,
    panel: Panel,
}

/// What lies over the channels.
enum Panel {
    None,
    New { kind: ChannelKind, fields: Fields },
    Edit { channel: Channel, fields: Fields },
    Remove { channel: Channel },
}

impl ChannelsPage {
    async fn over(
        console: &Console,
        member: &Member,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        let page = Page::new(member, Tab::Alerts, title);
        Ok(Self {
            channels: if page.whole {
                member.scoped.channels().await?
            } else {
                Vec::new()
            },
            page,
            now: console.clock.now(),
            panel,
        })
    }

    fn close(&self) -> String {
        self.page.url("alerts/channels")
    }

    fn of(&self, channel: &Channel, rest: &str) -> String {
        self.page
            .url(format!("alerts/channels/{}/{rest}", channel.id))
    }

    /// Whether a test is under way.
    fn is_waiting(&self) -> bool {
        self.channels
            .iter()
            .filter_map(|one| one.last.as_ref())
            .any(|last| last.is_test && last.ended_at.is_none())
    }

    /// What was heard last, as shape and words.
    fn standing(channel: &Channel) -> (&'static str, String) {
        let Some(last) = &channel.last else {
            return ("idle", "Not tried yet".to_owned());
        };
        let what = if last.is_test { "Test" } else { "Alert" };
        match (&last.ended_at, &last.refusal) {
            (Some(_), None) => ("ok", format!("{what} heard")),
            (Some(_), Some(_)) => ("bad", format!("{what} not heard")),
            (None, Some(_)) => ("warn", format!("{what} not heard yet")),
            (None, None) => ("run", format!("{what} is being sent")),
        }
    }

    /// What was said against it.
    fn complaint(last: &Heard) -> Option<String> {
        let refusal = last.refusal.as_deref()?;
        Some(match last.ended_at {
            None => format!(
                "{refusal} Tried {}; again at {} UTC.",
                crate::text::count(u64::from(last.attempts), "time", "times"),
                last.next_at.format("%H:%M")
            ),
            Some(_) if !last.is_test => {
                let times = crate::text::count(u64::from(last.attempts), "time", "times");
                format!("{refusal} Given up after it was tried {times}.")
            }
            Some(_) => refusal.to_owned(),
        })
    }
}

/// Where a channel leads, in words.
fn place(target: &Target) -> String {
    match target {
        Target::Email(mail) => {
            let to: Vec<&str> = mail.to.iter().map(Email::as_str).collect();
            format!("{} by {}", to.join(", "), mail.server)
        }
        Target::Slack { host } => host.clone(),
        Target::Webhook { url } => url.url().to_string(),
    }
}

fn icon(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "mail",
        ChannelKind::Slack => "brand-slack",
        ChannelKind::Webhook => "webhook",
    }
}

fn encryptions() -> Vec<(&'static str, &'static str)> {
    Encryption::ALL
        .into_iter()
        .map(|one| (one.as_str(), one.label()))
        .collect()
}

async fn list(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    let page = ChannelsPage::over(&console, &member, "Alert channels", Panel::None).await?;
    let hx = member.hx();
    if hx.request && !hx.panel {
        // The page asks by itself while a test is under way.
        return Ok(if page.is_waiting() {
            StatusCode::NO_CONTENT.into_response()
        } else {
            [("hx-refresh", HeaderValue::from_static("true"))].into_response()
        });
    }
    page::show(&page)
}

async fn new(
    State(console): State<Console>,
    member: Member,
    Path((_, kind)): Path<(String, String)>,
) -> Result<Response, Error> {
    let kind: ChannelKind = kind.parse().map_err(|_unknown| Error::NotFound)?;
    let fields = checks::marked(Fields::new().with("encryption", Encryption::StartTls.as_str()))?;
    let panel = Panel::New { kind, fields };
    page::show(&ChannelsPage::over(&console, &member, "Add channel", panel).await?)
}

async fn create(
    State(console): State<Console>,
    member: Member,
    Path((_, kind)): Path<(String, String)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let kind: ChannelKind = kind.parse().map_err(|_unknown| Error::NotFound)?;
    if let Some(new) = read(&console, kind, &mut fields, None) {
        match member.scoped.add_channel(&console.sealer, &new).await {
            Ok(_) => {
                let sentence = format!("{} is added. Try it with Test now.", new.name);
                return page::go_saying(&console, &member.url("alerts/channels"), &sentence);
            }
            Err(error @ store::Error::NameTaken { .. }) => fields.fail("name", error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::New { kind, fields };
    page::refuse(&ChannelsPage::over(&console, &member, "Add channel", panel).await?)
}

async fn find(member: &Member, id: ChannelId) -> Result<Channel, Error> {
    member.scoped.channel(id).await?.ok_or(Error::NotFound)
}

/// A form that holds what is known of a channel: everything but its secret.
fn known(channel: &Channel) -> Fields {
    let fields = Fields::new().with("name", &channel.name);
    match &channel.target {
        Target::Email(mail) => {
            let to: Vec<&str> = mail.to.iter().map(Email::as_str).collect();
            fields
                .with("server", &mail.server)
                .with("encryption", mail.encryption.as_str())
                .with("user", mail.user.as_deref().unwrap_or_default())
                .with("from", &mail.from)
                .with("to", to.join("\n"))
        }
        Target::Slack { .. } => fields,
        Target::Webhook { url } => fields.with("url", url.url()),
    }
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): One,
) -> Result<Response, Error> {
    let channel = find(&member, id).await?;
    let panel = Panel::Edit {
        fields: known(&channel),
        channel,
    };
    page::show(&ChannelsPage::over(&console, &member, "Edit channel", panel).await?)
}

async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): One,
    mut fields: Fields,
) -> Result<Response, Error> {
    let channel = find(&member, id).await?;
    let kind = channel.target.kind();
    if let Some(new) = read(&console, kind, &mut fields, Some(&channel)) {
        match member.scoped.edit_channel(&console.sealer, id, &new).await {
            Ok(()) => {
                let sentence = format!("{} is saved.", new.name);
                return page::go_saying(&console, &member.url("alerts/channels"), &sentence);
            }
            Err(error @ store::Error::NameTaken { .. }) => fields.fail("name", error.to_string()),
            Err(store::Error::Missing { .. }) => return Err(Error::NotFound),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::Edit { channel, fields };
    page::refuse(&ChannelsPage::over(&console, &member, "Edit channel", panel).await?)
}

/// Understands a form, or notes what is wrong with it.
fn read(
    console: &Console,
    kind: ChannelKind,
    fields: &mut Fields,
    present: Option<&Channel>,
) -> Option<NewChannel> {
    let name: Option<Label> = fields.parse("name");
    let read = match kind {
        ChannelKind::Email => email(console, fields, present),
        ChannelKind::Slack => slack(console, fields, present),
        ChannelKind::Webhook => webhook(console, fields, present),
    };
    let (target, secret) = read?;
    Some(NewChannel {
        name: name?,
        target,
        secret,
    })
    .filter(|_| fields.is_ok())
}

/// A field, understood with what the installation allows; or what is wrong stands beside it.
fn address(console: &Console, fields: &mut Fields, name: &str, text: &str) -> Option<HookUrl> {
    HookUrl::parse(text, &console.settings.http_allowed)
        .map_err(|invalid| fields.fail(name, invalid.to_string()))
        .ok()
}

fn email(
    console: &Console,
    fields: &mut Fields,
    present: Option<&Channel>,
) -> Option<(Target, ChannelSecret)> {
    let server: Option<MailServer> = fields.parse("server");
    let encryption: Option<Encryption> = fields.parse("encryption");
    let user = Some(fields.text("user").to_owned()).filter(|user| !user.is_empty());
    if user.as_ref().is_some_and(|user| user.chars().count() > 320) {
        fields.fail(
            "user",
            "This is too long for a user: use at most 320 characters.",
        );
    }
    let from: Option<Email> = fields.parse("from");
    let to = recipients(fields);
    let mail = Mail {
        server: server?,
        encryption: encryption?,
        user,
        from: from?,
        to: to?,
    };
    if let Err(invalid) = mail.check(&console.settings.http_allowed) {
        fields.fail("encryption", invalid.to_string());
    }
    let before = present.and_then(|channel| match &channel.target {
        Target::Email(mail) => channel.secret.as_ref().map(|_| mail),
        Target::Slack { .. } | Target::Webhook { .. } => None,
    });
    let password = fields.raw("password").to_owned();
    let secret = match (&mail.user, password.is_empty(), before) {
        (None, true, _) => ChannelSecret::None,
        (None, false, _) => {
            fields.fail("user", "Enter the user who signs in with this password.");
            return None;
        }
        (Some(_), false, _) => ChannelSecret::Set(Secret::new(password)),
        // A password that was entered for one server is not handed to another.
        (Some(_), true, Some(before))
            if before.server == mail.server
                && before.user == mail.user
                && before.encryption == mail.encryption =>
        {
            ChannelSecret::Keep
        }
        (Some(_), true, Some(_)) => {
            fields.fail(
                "password",
                "Enter the password again: it is for another server or user than before.",
            );
            return None;
        }
        (Some(_), true, None) => {
            fields.fail("password", "Enter the password of this user.");
            return None;
        }
    };
    Some((Target::Email(mail), secret))
}

/// One address on each line, or several with commas between them.
fn recipients(fields: &mut Fields) -> Option<Vec<Email>> {
    let given = fields.text("to").to_owned();
    let mut all: Vec<Email> = Vec::new();
    for one in given
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|one| !one.is_empty())
    {
        match one.parse::<Email>() {
            Ok(email) if !all.contains(&email) => all.push(email),
            Ok(_) => {}
            Err(invalid) => {
                fields.fail("to", format!("\"{one}\": {invalid}"));
                return None;
            }
        }
    }
    if all.is_empty() || all.len() > Mail::MOST {
        fields.fail("to", format!("Enter 1 to {} addresses.", Mail::MOST));
        return None;
    }
    Some(all)
}

fn slack(
    console: &Console,
    fields: &mut Fields,
    present: Option<&Channel>,
) -> Option<(Target, ChannelSecret)> {
    let given = fields.raw("secret").trim().to_owned();
    if let (true, Some(channel)) = (given.is_empty(), present) {
        return Some((channel.target.clone(), ChannelSecret::Keep));
    }
    let url = address(console, fields, "secret", &given)?;
    let host = url.authority();
    Some((
        Target::Slack { host },
        ChannelSecret::Set(Secret::new(given)),
    ))
}

fn webhook(
    console: &Console,
    fields: &mut Fields,
    present: Option<&Channel>,
) -> Option<(Target, ChannelSecret)> {
    let given = fields.text("url").to_owned();
    let url = address(console, fields, "url", &given);
    let key = fields.raw("secret").trim().to_owned();
    let length = key.chars().count();
    let secret = if key.is_empty() && present.is_some() {
        ChannelSecret::Keep
    } else if (SHORTEST..=LONGEST).contains(&length) {
        ChannelSecret::Set(Secret::new(key))
    } else {
        let sentence = format!("Enter a secret of at least {SHORTEST} characters.");
        fields.fail("secret", sentence);
        return None;
    };
    Some((Target::Webhook { url: url? }, secret))
}

async fn test(member: Member, Path((_, id)): One) -> Result<Response, Error> {
    match member.scoped.test_channel(id).await {
        Ok(()) => page::go(&member.url("alerts/channels")),
        Err(store::Error::Missing { .. }) => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): One,
) -> Result<Response, Error> {
    let panel = Panel::Remove {
        channel: find(&member, id).await?,
    };
    page::show(&ChannelsPage::over(&console, &member, "Remove channel", panel).await?)
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): One,
) -> Result<Response, Error> {
    let channel = find(&member, id).await?;
    match member.scoped.remove_channel(id).await {
        Ok(()) | Err(store::Error::Missing { .. }) => {
            let sentence = format!("{} is removed.", channel.name);
            page::go_saying(&console, &member.url("alerts/channels"), &sentence)
        }
        Err(error) => Err(error.into()),
    }
}
