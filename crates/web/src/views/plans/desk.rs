//! What a person works on: a plan or a new one, with the changes that are not saved yet.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use domain::{
    Content, CredentialId, DraftId, Name, OrganizationId, PlanId, PoolPart, Retention, Selection,
    StorageId, Weight,
};
use store::{Credential, Draft, Organization, Plan, PlanSettings, Storage};

use crate::error::Error;
use crate::extract::Member;

/// The plan in the address; nothing for a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target(pub(super) Option<PlanId>);

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .ok()
            .ok_or(Error::NotFound)?;
        let plan = params
            .iter()
            .find(|(name, _)| *name == "plan")
            .map(|(_, value)| value.parse().ok().ok_or(Error::NotFound))
            .transpose()?;
        Ok(Self(plan))
    }
}

/// A part of a plan with a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Sources,
    Content,
    Storage,
    Schedule,
    Retention,
    Advanced,
}

impl Section {
    pub(super) const ALL: [Self; 6] = [
        Self::Sources,
        Self::Content,
        Self::Storage,
        Self::Schedule,
        Self::Retention,
        Self::Advanced,
    ];

    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Content => "content",
            Self::Storage => "storage",
            Self::Schedule => "schedule",
            Self::Retention => "retention",
            Self::Advanced => "advanced",
        }
    }

    pub(super) fn is(self, slug: &str) -> bool {
        self.slug() == slug
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Sources => "Sources",
            Self::Content => "Content",
            Self::Storage => "Storage",
            Self::Schedule => "Schedule",
            Self::Retention => "Retention",
            Self::Advanced => "Advanced settings",
        }
    }

    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Sources => "folder",
            Self::Content => "list-details",
            Self::Storage => "database",
            Self::Schedule => "calendar-repeat",
            Self::Retention => "history",
            Self::Advanced => "adjustments-horizontal",
        }
    }
}

/// A plan on somebody's desk.
#[derive(Debug)]
pub(super) struct Desk {
    /// The plan as it is; nothing for a new one.
    pub(super) plan: Option<Plan>,
    /// The draft, if there is one.
    pub(super) draft: Option<Draft>,
    /// The id that a draft gets, if there is none yet.
    pub(super) draft_id: DraftId,
    /// What is wanted: the draft, or the plan as it is.
    pub(super) settings: PlanSettings,
    pub(super) organizations: Vec<Organization>,
    pub(super) storages: Vec<Storage>,
    /// The address of the form.
    pub(super) url: String,
    /// The address of the list behind it.
    pub(super) list: String,
}

impl Desk {
    /// Looks at a plan, and at what this person has changed about it.
    pub(super) async fn open(member: &Member, target: Target) -> Result<Self, Error> {
        let scoped = &member.scoped;
        let plan = match target.0 {
            Some(id) => Some(scoped.plan(id).await?.ok_or(Error::NotFound)?),
            None => None,
        };
        let draft = scoped.draft(member.viewer().person, target.0).await?;
        let organizations = scoped.organizations().await?;
        let storages = scoped.storages().await?;
        let settings = match (&draft, &plan) {
            (Some(draft), _) => draft.settings.clone(),
            (None, Some(plan)) => PlanSettings::of(plan),
            (None, None) => fresh(&organizations, &storages),
        };
        Ok(Self {
            settings,
            draft_id: draft.as_ref().map_or_else(DraftId::new, |draft| draft.id),
            draft,
            organizations,
            storages,
            url: match &plan {
                Some(plan) => member.url(format_args!("plans/{}/edit", plan.id)),
                None => member.url("plans/new"),
            },
            list: member.url("plans"),
            plan,
        })
    }

    /// The version that this person began with.
    pub(super) fn version(&self) -> Option<i32> {
        match (&self.draft, &self.plan) {
            (Some(draft), _) => draft.plan.map(|(_, version)| version),
            (None, plan) => plan.as_ref().map(|plan| plan.version),
        }
    }

    /// Keeps the settings as this person's draft.
    pub(super) async fn keep(&mut self, member: &Member) -> Result<DraftId, Error> {
        let subject = self.plan.as_ref().map(|plan| plan.id).zip(self.version());
        let person = member.viewer().person;
        let id = member
            .scoped
            .put_draft(person, self.draft_id, subject, &self.settings)
            .await?;
        Ok(id)
    }

    /// The plan's name, for below titles.
    pub(super) fn name(&self) -> &str {
        match (&self.plan, self.settings.name.as_str()) {
            (Some(plan), _) => plan.name.as_str(),
            (None, "") => "New plan",
            (None, name) => name,
        }
    }

    pub(super) fn section_url(&self, section: Section) -> String {
        format!("{}/{}", self.url, section.slug())
    }

    pub(super) fn organization(&self) -> Option<&Organization> {
        let wanted = self.settings.organization?;
        self.organizations.iter().find(|one| one.id == wanted)
    }

    fn organization_name(&self) -> Option<&Name> {
        match (&self.plan, self.organization()) {
            (Some(plan), _) => Some(&plan.organization_name),
            (None, found) => found.map(|one| &one.name),
        }
    }

    fn storage_name(&self) -> Option<&Name> {
        let wanted = self.settings.storage?;
        self.storages
            .iter()
            .find(|one| one.id == wanted)
            .map(|one| &one.name)
    }

    /// What a section says of some settings, in one line.
    pub(super) fn summary(
        &self,
        section: Section,
        settings: &PlanSettings,
        credentials: &[Credential],
    ) -> String {
        match section {
            Section::Sources => match self.organization_name() {
                Some(name) => format!("{name}: {}", settings.selection.summary()),
                None => "No organization is chosen".to_owned(),
            },
            Section::Content => settings.content.summary(),
            Section::Storage => {
                let found = self
                    .storages
                    .iter()
                    .find(|one| Some(one.id) == settings.storage);
                found.map_or_else(
                    || "No storage is chosen".to_owned(),
                    |one| one.name.to_string(),
                )
            }
            Section::Schedule => {
                let mut text = match &settings.schedule {
                    Some(schedule) => schedule.summary(),
                    None => "Runs when somebody asks".to_owned(),
                };
                if let Some(minutes) = settings
                    .schedule
                    .as_ref()
                    .and_then(domain::Schedule::window_minutes)
                {
                    text = format!("{text}, for at most {minutes} minutes");
                }
                if settings.paused {
                    text.push_str(". Paused");
                }
                text
            }
            Section::Retention => settings.retention.summary(),
            Section::Advanced => {
                let added = additional(credentials).count();
                let on = additional(credentials)
                    .filter(|one| settings.use_credentials.contains(&one.id))
                    .count();
                let mut text = if settings.additional_credentials {
                    format!("Additional git credentials: On, {on} of {added} accounts")
                } else {
                    "Additional git credentials: Off".to_owned()
                };
                if settings.pool_part != PoolPart::ALL {
                    let part = settings.pool_part;
                    text = format!("{text}. At most {part} % of each account's quota");
                }
                if settings.weight != Weight::USUAL {
                    text = format!("{text}. Weight {}", settings.weight);
                }
                text
            }
        }
    }

    /// The credentials of the organization.
    pub(super) async fn credentials(&self, member: &Member) -> Result<Vec<Credential>, Error> {
        match self.settings.organization {
            Some(organization) => Ok(member.scoped.credentials(organization).await?),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn has_storage(&self) -> bool {
        self.storage_name().is_some()
    }
}

/// The credentials that a plan may switch on.
pub(super) fn additional(credentials: &[Credential]) -> impl Iterator<Item = &Credential> {
    credentials
        .iter()
        .filter(|one| one.role == domain::Role::Additional)
}

/// Those of the ticked credentials that are still there.
pub(super) fn still_there(ticked: &[CredentialId], known: &[Credential]) -> Vec<CredentialId> {
    additional(known)
        .map(|one| one.id)
        .filter(|id| ticked.contains(id))
        .collect()
}

/// What a new plan begins with.
fn fresh(organizations: &[Organization], storages: &[Storage]) -> PlanSettings {
    PlanSettings {
        name: String::new(),
        organization: organizations
            .first()
            .map(|one| -> OrganizationId { one.id }),
        selection: Selection::All,
        content: Content::default(),
        storage: storages.first().map(|one| -> StorageId { one.id }),
        schedule: None,
        paused: false,
        retention: Retention::default(),
        additional_credentials: false,
        use_credentials: Vec::new(),
        pool_part: PoolPart::ALL,
        weight: Weight::USUAL,
    }
}
