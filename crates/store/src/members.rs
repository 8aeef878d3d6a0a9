//! Members of a tenant and the invitations to become one.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Email, InvitationId, MemberRole, PersonId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::found;
use crate::{Act, Error, Scoped, decode};

/// How long a link can be followed.
const INVITATION: TimeDelta = TimeDelta::days(7);

/// Somebody who belongs to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// The address that she signs in with.
    pub email: Email,
    /// What others see.
    pub name: String,
    /// What she may do.
    pub role: MemberRole,
    /// Whether signing in asks her for a one-time code.
    pub totp: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Somebody to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Who.
    pub email: Email,
    /// What she may do.
    pub role: MemberRole,
    /// The hash of the token in the link.
    pub token_hash: [u8; 32],
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// What she may do.
    pub role: MemberRole,
    /// Who has invited her.
    pub invited_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when on the link is worth nothing.
    pub expires_at: DateTime<Utc>,
    /// Whether that time has come.
    pub expired: bool,
}

impl Scoped {
    /// The members, by name.
    #[instrument(name = "store.memberships.list", skip_all)]
    pub async fn members(&self) -> Result<Vec<Member>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT m.person_id, p.email, p.name, m.role, m.created_at, t.confirmed_at IS NOT NULL AS "totp!"
            FROM memberships m
            JOIN people p ON p.id = m.person_id
            LEFT JOIN totps t ON t.person_id = m.person_id
            WHERE m.tenant_id = $1
            ORDER BY lower(p.name), p.email
            "#,
            self.tenant.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Member {
                    person: PersonId(row.person_id),
                    email: decode::text("an e-mail address", &row.email)?,
                    name: row.name,
                    role: decode::text("a member's role", &row.role)?,
                    totp: row.totp,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// The invitations that nobody has accepted yet, newest first.
    #[instrument(name = "store.invitations.list", skip_all)]
    pub async fn invitations(&self) -> Result<Vec<Invitation>, Error> {
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT id, email, role, invited_by, created_at, expires_at
            FROM invitations
            WHERE tenant_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
            ORDER BY created_at DESC, id
            "#,
            self.tenant.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Invitation {
                    id: InvitationId(row.id),
                    email: decode::text("an e-mail address", &row.email)?,
                    role: decode::text("a member's role", &row.role)?,
                    invited_by: row.invited_by,
                    created_at: row.created_at,
                    expires_at: row.expires_at,
                    expired: row.expires_at <= now,
                })
            })
            .collect()
    }

    /// Invites somebody. An earlier invitation of hers is withdrawn: only the newest link is good.
    #[instrument(name = "store.invitations.add", skip_all)]
    pub async fn invite(&self, new: NewInvitation) -> Result<InvitationId, Error> {
        let mut tx = self.begin().await?;
        let id = self.invite_in(&mut tx, new).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Invites the first owner, on behalf of the service operator, who may do so only where there is none: whoever runs
    /// the installation lets nobody into a tenant that others answer for.
    #[instrument(name = "store.invitations.add_first_owner", skip_all)]
    pub async fn invite_first_owner(
        &self,
        email: Email,
        token_hash: [u8; 32],
    ) -> Result<InvitationId, Error> {
        let mut tx = self.begin().await?;
        let has_owner = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM memberships WHERE tenant_id = $1 AND role = 'owner') AS "has_owner!""#,
            self.tenant.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        if has_owner {
            return Err(Error::HasOwner);
        }
        let new = NewInvitation {
            email,
            role: MemberRole::Owner,
            token_hash,
        };
        let id = self.invite_in(&mut tx, new).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn invite_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        new: NewInvitation,
    ) -> Result<InvitationId, Error> {
        let id = InvitationId::new();
        let now = self.db.clock.now();
        let member = sqlx::query_scalar!(
            r#"
            SELECT EXISTS (
                SELECT FROM memberships m JOIN people p ON p.id = m.person_id
                WHERE m.tenant_id = $1 AND p.email = $2
            ) AS "member!"
            "#,
            self.tenant.0,
            new.email.as_str(),
        )
        .fetch_one(&mut **tx)
        .await?;
        if member {
            return Err(Error::AlreadyMember { email: new.email });
        }
        // The insert waits for a concurrent one of the same address, and then takes its place.
        let result = sqlx::query!(
            r#"
            INSERT INTO invitations (tenant_id, id, email, role, token_hash, invited_by, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (tenant_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL DO UPDATE
            SET
                id = excluded.id,
                role = excluded.role,
                token_hash = excluded.token_hash,
                invited_by = excluded.invited_by,
                created_at = excluded.created_at,
                expires_at = excluded.expires_at
            "#,
            self.tenant.0,
            id.0,
            new.email.as_str(),
            new.role.as_str(),
            new.token_hash.as_slice(),
            self.actor.name,
            now,
            now + INVITATION,
        )
        .execute(&mut **tx)
        .await?;
        found("invitation", "store.invitations.add", &result)?;
        self.note(
            tx,
            Act {
                action: "member.invite",
                subject: ("invitation", id.0, new.email.as_str()),
                before: None,
                after: Some(json!({ "email": new.email, "role": new.role })),
            },
        )
        .await?;
        Ok(id)
    }

    /// Withdraws an invitation.
    #[instrument(name = "store.invitations.revoke", skip_all, fields(invitation = %id))]
    pub async fn revoke_invitation(&self, id: InvitationId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            UPDATE invitations
            SET revoked_at = $3
            WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL
            RETURNING email, role
            "#,
            self.tenant.0,
            id.0,
            self.db.clock.now(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "open invitation",
        })?;
        self.note(
            &mut tx,
            Act {
                action: "member.revoke_invitation",
                subject: ("invitation", id.0, &row.email),
                before: Some(json!({ "email": row.email, "role": row.role })),
                after: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a member another role.
    #[instrument(name = "store.memberships.change_role", skip_all, fields(person = %person))]
    pub async fn change_role(&self, person: PersonId, role: MemberRole) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let (name, before) = self.leaving(&mut tx, person, role).await?;
        let result = sqlx::query!(
            "UPDATE memberships SET role = $3 WHERE tenant_id = $1 AND person_id = $2",
            self.tenant.0,
            person.0,
            role.as_str(),
        )
        .execute(&mut *tx)
        .await?;
        found("member", "store.memberships.change_role", &result)?;
        if before != role {
            self.note(
                &mut tx,
                Act {
                    action: "member.change_role",
                    subject: ("person", person.0, &name),
                    before: Some(json!({ "role": before })),
                    after: Some(json!({ "role": role })),
                },
            )
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends a membership. The person's next request finds the tenant gone.
    #[instrument(name = "store.memberships.remove", skip_all, fields(person = %person))]
    pub async fn remove_member(&self, person: PersonId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let (name, before) = self.leaving(&mut tx, person, MemberRole::Auditor).await?;
        self.note(
            &mut tx,
            Act {
                action: "member.remove",
                subject: ("person", person.0, &name),
                before: Some(json!({ "role": before })),
                after: None,
            },
        )
        .await?;
        let result = sqlx::query!(
            "DELETE FROM memberships WHERE tenant_id = $1 AND person_id = $2",
            self.tenant.0,
            person.0,
        )
        .execute(&mut *tx)
        .await?;
        found("member", "store.memberships.remove", &result)?;
        tx.commit().await?;
        Ok(())
    }

    /// Locks a member and, if she stops being an owner, all owners: the second of two who leave at once waits here, and
    /// then finds that she is the last. Answers her name and her present role.
    async fn leaving(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        person: PersonId,
        role: MemberRole,
    ) -> Result<(String, MemberRole), Error> {
        // In one order, so that two of these cannot wait for each other.
        let rows = sqlx::query!(
            r#"
            SELECT person_id, role
            FROM memberships
            WHERE tenant_id = $1 AND (role = 'owner' OR person_id = $2)
            ORDER BY person_id
            FOR UPDATE
            "#,
            self.tenant.0,
            person.0,
        )
        .fetch_all(&mut **tx)
        .await?;
        let own = rows
            .iter()
            .find(|row| row.person_id == person.0)
            .ok_or(Error::Missing { what: "member" })?;
        let before: MemberRole = decode::text("a member's role", &own.role)?;
        let others = rows
            .iter()
            .any(|row| row.person_id != person.0 && row.role == MemberRole::Owner.as_str());
        if before == MemberRole::Owner && role != MemberRole::Owner && !others {
            return Err(Error::LastOwner);
        }
        let name = sqlx::query_scalar!("SELECT name FROM people WHERE id = $1", person.0)
            .fetch_one(&mut **tx)
            .await?;
        Ok((name, before))
    }
}

#[cfg(test)]
mod tests;
