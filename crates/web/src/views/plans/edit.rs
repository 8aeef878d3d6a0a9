//! The panel "Edit backup plan": its name, a line about each section, and the way into each.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use domain::{Name, PlanId};
use store::{NewPlan, PlanChange};

use super::desk::{Desk, Section, Target, still_there};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::text;

#[derive(Template)]
#[template(path = "plans/edit.html")]
struct EditPage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    rows: Vec<(Section, String)>,
    /// Since when there are unsaved changes.
    unsaved: Option<text::At>,
    /// Who has changed the plan meanwhile.
    conflict: Option<String>,
    /// Switched on, and no account is.
    nobody_helps: bool,
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let fields = Fields::new().with("name", &desk.settings.name);
    page::show(&panel(&console, &member, desk, fields).await?)
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
) -> Result<EditPage, Error> {
    let now = console.clock.now();
    let credentials = desk.credentials(member).await?;
    let rows = Section::ALL
        .map(|section| (section, desk.summary(section, &desk.settings, &credentials)))
        .to_vec();
    let used = still_there(&desk.settings.use_credentials, &credentials);
    let conflict = desk.plan.as_ref().and_then(|plan| {
        let (by, at) = plan.edited.as_ref()?;
        (desk.version() != Some(plan.version)).then(|| changed_by(by, now - *at))
    });
    Ok(EditPage {
        page: Page::new(member, Tab::Plans, "Edit backup plan"),
        list: behind(console, member).await?,
        unsaved: desk
            .draft
            .as_ref()
            .map(|draft| text::at(draft.changed_at, now)),
        nobody_helps: desk.settings.additional_credentials && used.is_empty(),
        conflict,
        fields,
        desk,
        rows,
    })
}

/// "Ann changed this plan 2 minutes ago."
fn changed_by(name: &str, ago: TimeDelta) -> String {
    let ago = match (ago.num_minutes(), ago.num_hours(), ago.num_days()) {
        (0, ..) => "just now".to_owned(),
        (minutes, 0, _) => format!("{} ago", text::count(minutes, "minute", "minutes")),
        (_, hours, 0) => format!("{} ago", text::count(hours, "hour", "hours")),
        (.., days) => format!("{} ago", text::count(days, "day", "days")),
    };
    format!("{name} changed this plan {ago}.")
}

/// Keeps what was typed, and then does what the button says: opens a section, saves, or gives up.
pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let person = member.viewer().person;
    let pressed = fields.text("go").to_owned();
    if matches!(pressed.as_str(), "discard" | "theirs") {
        member.scoped.drop_draft(person, target.0).await?;
        return match target.0 {
            Some(plan) if pressed == "theirs" => {
                page::go(&member.url(format_args!("plans/{plan}/edit")))
            }
            _ => page::go(&member.url("plans")),
        };
    }
    if let Some(answer) = sent_twice(&console, &member, target, &fields).await? {
        return Ok(answer);
    }
    let mut desk = Desk::open(&member, target).await?;
    if let (None, Ok(id)) = (&desk.draft, fields.text("draft").parse()) {
        desk.draft_id = id;
    }
    desk.see(fields.text("version").parse().ok(), pressed == "mine");
    if pressed != "mine" {
        fields.value("name").clone_into(&mut desk.settings.name);
    }
    let draft = desk.keep(&member).await?;
    if let Some(section) = Section::ALL.into_iter().find(|one| one.slug() == pressed) {
        return page::go(&desk.section_url(section));
    }
    fields = fields.with("name", &desk.settings.name);
    let name: Option<Name> = fields.parse("name");
    if desk.settings.organization.is_none() {
        fields.fail("organization", "Choose an organization: open Sources.");
    }
    if !desk.has_storage() {
        fields.fail("storage", "Choose a storage: open Storage.");
    }
    let (Some(name), true) = (name, fields.is_ok()) else {
        return page::refuse(&panel(&console, &member, desk, fields).await?);
    };
    let credentials = desk.credentials(&member).await?;
    let settings = desk.settings.clone();
    let use_credentials = still_there(&settings.use_credentials, &credentials);
    let saved = match (&desk.plan, settings.organization, settings.storage) {
        (Some(plan), ..) => {
            let change = PlanChange {
                name: Some(name.clone()),
                selection: Some(settings.selection),
                content: Some(settings.content),
                storage: settings.storage,
                schedule: Some(settings.schedule),
                paused: Some(settings.paused),
                retention: Some(settings.retention),
                additional_credentials: Some(settings.additional_credentials),
                use_credentials: Some(use_credentials),
                pool_part: Some(settings.pool_part),
                weight: Some(settings.weight),
                version: desk.version(),
            };
            let scoped = &member.scoped;
            scoped.edit_drafted_plan(person, plan.id, change).await
        }
        (None, Some(organization), Some(storage)) => {
            let new = NewPlan {
                name: name.clone(),
                organization,
                selection: settings.selection,
                content: settings.content,
                storage,
                schedule: settings.schedule,
                paused: settings.paused,
                retention: settings.retention,
                additional_credentials: settings.additional_credentials,
                use_credentials,
                pool_part: settings.pool_part,
                weight: settings.weight,
            };
            let added = member.scoped.add_drafted_plan(person, draft, new).await;
            added.map(drop)
        }
        (None, ..) => return Err(Error::Invalid("The plan is not complete.".to_owned())),
    };
    match saved {
        Ok(()) => page::go_saying(
            &console,
            &member.url("plans"),
            &format!("Backup plan {name} saved. Changes apply from the next task on."),
        ),
        Err(store::Error::Changed { .. }) => {
            let desk = Desk::open(&member, target).await?;
            page::conflict(&panel(&console, &member, desk, fields).await?)
        }
        Err(error @ store::Error::NameTaken { .. }) => {
            fields.fail("name", error.to_string());
            let desk = Desk::open(&member, target).await?;
            page::refuse(&panel(&console, &member, desk, fields).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A form for a new plan that was taken before: its draft is gone, and its plan is there.
async fn sent_twice(
    console: &Console,
    member: &Member,
    target: Target,
    fields: &Fields,
) -> Result<Option<Response>, Error> {
    let (None, Ok(id)) = (target.0, fields.text("draft").parse::<PlanId>()) else {
        return Ok(None);
    };
    let Some(plan) = member.scoped.plan(id).await? else {
        return Ok(None);
    };
    page::go_saying(
        console,
        &member.url("plans"),
        &format!(
            "Backup plan {} saved. Changes apply from the next task on.",
            plan.name
        ),
    )
    .map(Some)
}

impl Desk {
    /// Takes in the version that the form was made from, if there is no draft that knows better, or if the person has compared.
    fn see(&mut self, version: Option<i32>, compared: bool) {
        let (Some(plan), Some(version)) = (&mut self.plan, version) else {
            return;
        };
        match &mut self.draft {
            Some(draft) if compared => draft.plan = Some((plan.id, version)),
            Some(_) => {}
            None => plan.version = version,
        }
    }
}
