//! Who belongs to a tenant: invitations, roles, removal.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{Email, InvitationId, MemberRole, PersonId};
use store::{Invitation, NewInvitation};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::token::Token;
use crate::views::invitation;

pub(crate) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const OWN: Access = Access::Member(MemberRole::Owner);
    vec![
        Route::get("/t/{tenant}/members", READ, list),
        Route::get("/t/{tenant}/members/new", OWN, new),
        Route::post("/t/{tenant}/members/new", OWN, invite),
        Route::post("/t/{tenant}/members/invitations/{id}/revoke", OWN, revoke),
        Route::get("/t/{tenant}/members/{person}/role", OWN, edit),
        Route::post("/t/{tenant}/members/{person}/role", OWN, update),
        Route::get("/t/{tenant}/members/{person}/remove", OWN, confirm),
        Route::post("/t/{tenant}/members/{person}/remove", OWN, delete),
    ]
}

#[derive(Template)]
#[template(path = "members/list.html")]
struct MembersPage {
    page: Page,
    now: DateTime<Utc>,
    viewer: PersonId,
    members: Vec<store::Member>,
    invitations: Vec<Invitation>,
    panel: Panel,
}

/// What lies over the list.
enum Panel {
    None,
    Invite(Fields),
    Invited {
        email: Email,
        link: String,
    },
    Role {
        member: store::Member,
        fields: Fields,
    },
    Remove {
        member: store::Member,
        fields: Fields,
    },
}

impl MembersPage {
    async fn over(
        console: &Console,
        member: &Member,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::new(member, Tab::Members, title),
            now: console.clock.now(),
            viewer: member.viewer().person,
            members: member.scoped.members().await?,
            invitations: member.scoped.invitations().await?,
            panel,
        })
    }

    fn close(&self) -> String {
        self.page.url("members")
    }
}

async fn list(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    page::show(&MembersPage::over(&console, &member, "Members", Panel::None).await?)
}

async fn new(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    let fields = Fields::new().with("role", MemberRole::Operator);
    page::show(
        &MembersPage::over(&console, &member, "Invite a member", Panel::Invite(fields)).await?,
    )
}

/// The link is in this one answer and nowhere else.
async fn invite(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let email: Option<Email> = fields.parse("email");
    let role: Option<MemberRole> = fields.parse("role");
    if let (Some(email), Some(role), true) = (email, role, fields.is_ok()) {
        let token = Token::new()?;
        let invited = member
            .scoped
            .invite(NewInvitation {
                email: email.clone(),
                role,
                token_hash: token.hash(),
            })
            .await;
        match invited {
            Ok(_) => {
                let link = invitation::link(&console, &headers, &token);
                let panel = Panel::Invited { email, link };
                return page::show(
                    &MembersPage::over(&console, &member, "Invitation", panel).await?,
                );
            }
            Err(error @ store::Error::AlreadyMember { .. }) => {
                fields.fail("email", error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    page::refuse(
        &MembersPage::over(&console, &member, "Invite a member", Panel::Invite(fields)).await?,
    )
}

async fn revoke(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, InvitationId)>,
) -> Result<Response, Error> {
    member.scoped.revoke_invitation(id).await?;
    page::go_saying(
        &console,
        &member.url("members"),
        "The invitation is withdrawn: its link leads nowhere.",
    )
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, PersonId)>,
) -> Result<Response, Error> {
    let subject = find(&member, person).await?;
    let panel = Panel::Role {
        fields: Fields::new().with("role", subject.role),
        member: subject,
    };
    page::show(&MembersPage::over(&console, &member, "Change role", panel).await?)
}

async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, PersonId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let subject = find(&member, person).await?;
    if let Some(role) = fields.parse::<MemberRole>("role") {
        match member.scoped.change_role(person, role).await {
            Ok(()) => {
                let sentence = format!("{} is an {role} now.", subject.name);
                return page::go_saying(&console, &member.url("members"), &sentence);
            }
            Err(error @ store::Error::LastOwner) => fields.fail("role", error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::Role {
        member: subject,
        fields,
    };
    page::refuse(&MembersPage::over(&console, &member, "Change role", panel).await?)
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, PersonId)>,
) -> Result<Response, Error> {
    let panel = Panel::Remove {
        member: find(&member, person).await?,
        fields: Fields::new(),
    };
    page::show(&MembersPage::over(&console, &member, "Remove member", panel).await?)
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, person)): Path<(String, PersonId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let subject = find(&member, person).await?;
    match member.scoped.remove_member(person).await {
        Ok(()) if person == member.viewer().person => page::go("/"),
        Ok(()) => {
            let sentence = format!("{} is not a member any more.", subject.name);
            page::go_saying(&console, &member.url("members"), &sentence)
        }
        Err(error @ store::Error::LastOwner) => {
            fields.fail_form(error.to_string());
            let panel = Panel::Remove {
                member: subject,
                fields,
            };
            page::refuse(&MembersPage::over(&console, &member, "Remove member", panel).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn find(member: &Member, person: PersonId) -> Result<store::Member, Error> {
    let members = member.scoped.members().await?;
    members
        .into_iter()
        .find(|one| one.person == person)
        .ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests;
