//! Following an invitation: whoever holds the link finds out which tenant it is for, and becomes a member of it.

use domain::{Email, MemberRole, Name, PersonId, PersonName, TenantId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::{NewPerson, People};
use crate::error::{OnConstraint, found};
use crate::{Act, Actor, Error, audit, decode};

/// An invitation as whoever follows it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: Name,
    /// Who is invited.
    pub email: Email,
    /// What she may do there.
    pub role: MemberRole,
    /// Who has invited her.
    pub invited_by: String,
    /// Whether somebody with the e-mail address can sign in already.
    pub known: bool,
}

impl People {
    /// The invitation that a link is about, if it is still good.
    #[instrument(name = "store.invitations.follow", skip_all)]
    pub async fn invited(&self, token_hash: &[u8; 32]) -> Result<Option<Invited>, Error> {
        let mut tx = self.db.begin().await?;
        let invited = self.open_invitation(&mut tx, token_hash).await?;
        tx.commit().await?;
        Ok(invited)
    }

    /// Makes a person who has signed in a member. The invitation must be for her e-mail address.
    #[instrument(name = "store.invitations.accept", skip_all)]
    pub async fn accept(&self, token_hash: &[u8; 32], person: PersonId) -> Result<TenantId, Error> {
        let mut tx = self.db.begin().await?;
        let invited = self
            .open_invitation(&mut tx, token_hash)
            .await?
            .ok_or(Error::InvitationOver)?;
        let row = sqlx::query!("SELECT email, name FROM people WHERE id = $1", person.0)
            .fetch_one(&mut *tx)
            .await?;
        if row.email != invited.email.as_str() {
            return Err(Error::InvitedAnother {
                email: invited.email,
            });
        }
        self.use_invitation(&mut tx, token_hash, &invited, person, &row.name)
            .await?;
        tx.commit().await?;
        Ok(invited.tenant)
    }

    /// Adds a person and makes her a member.
    #[instrument(name = "store.invitations.accept_new", skip_all)]
    pub async fn accept_new(
        &self,
        token_hash: &[u8; 32],
        name: PersonName,
        password_hash: String,
    ) -> Result<(PersonId, TenantId), Error> {
        let mut tx = self.db.begin().await?;
        let invited = self
            .open_invitation(&mut tx, token_hash)
            .await?
            .ok_or(Error::InvitationOver)?;
        let new = NewPerson {
            email: invited.email.clone(),
            name,
            password_hash,
        };
        let person = self.insert(&mut tx, &new, false).await?;
        self.use_invitation(&mut tx, token_hash, &invited, person, new.name.as_str())
            .await?;
        tx.commit().await?;
        Ok((person, invited.tenant))
    }

    /// Finds an invitation that can still be accepted, and keeps others from accepting it until the transaction ends.
    async fn open_invitation(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        token_hash: &[u8; 32],
    ) -> Result<Option<Invited>, Error> {
        let row = sqlx::query!(
            r#"
            SELECT
                i.tenant_id,
                t.name,
                i.email,
                i.role,
                i.invited_by,
                EXISTS (SELECT FROM people p WHERE p.email = i.email) AS "known!"
            FROM invitations i
            JOIN tenants t ON t.id = i.tenant_id
            WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2
            FOR UPDATE OF i
            "#,
            token_hash.as_slice(),
            self.db.clock.now(),
        )
        .fetch_optional(&mut **tx)
        .await?;
        row.map(|row| {
            Ok(Invited {
                tenant: TenantId(row.tenant_id),
                tenant_name: decode::text("a tenant's name", &row.name)?,
                email: decode::text("an e-mail address", &row.email)?,
                role: decode::text("a member's role", &row.role)?,
                invited_by: row.invited_by,
                known: row.known,
            })
        })
        .transpose()
    }

    async fn use_invitation(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        token_hash: &[u8; 32],
        invited: &Invited,
        person: PersonId,
        name: &str,
    ) -> Result<(), Error> {
        let result = sqlx::query!(
            "UPDATE invitations SET accepted_at = $2 WHERE token_hash = $1",
            token_hash.as_slice(),
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        found("invitation", "store.invitations.accept", &result)?;
        self.clone()
            .acting(Actor {
                person: Some(person),
                name: name.to_owned(),
                address: self.actor.address,
            })
            .join(tx, invited.tenant, person, invited.role)
            .await
    }

    /// Makes a person a member of a tenant, who is not one yet.
    pub(super) async fn join(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        tenant: TenantId,
        person: PersonId,
        role: MemberRole,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        let row = sqlx::query!("SELECT email, name FROM people WHERE id = $1", person.0)
            .fetch_optional(&mut **tx)
            .await?
            .ok_or(Error::Missing { what: "person" })?;
        let email: Email = decode::text("an e-mail address", &row.email)?;
        sqlx::query!(
            "INSERT INTO memberships (tenant_id, person_id, role, created_at) VALUES ($1, $2, $3, $4)",
            tenant.0,
            person.0,
            role.as_str(),
            now,
        )
        .execute(&mut **tx)
        .await
        .on_constraint("memberships_pkey", || Error::AlreadyMember {
            email: email.clone(),
        })?;
        let act = Act {
            action: "member.add",
            subject: ("person", person.0, &row.name),
            before: None,
            after: Some(json!({ "email": email, "role": role })),
        };
        audit::write(tx, Some(tenant), now, &self.actor, act).await
    }

    /// Makes a person a member of a tenant without an invitation, as only the command line may.
    #[instrument(name = "store.memberships.add", skip_all)]
    pub async fn enrol(
        &self,
        tenant: TenantId,
        person: PersonId,
        role: MemberRole,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.join(&mut tx, tenant, person, role).await?;
        tx.commit().await?;
        Ok(())
    }
}
