//! Who asks: the person behind a session, and where she belongs.

use chrono::TimeDelta;
use domain::{Email, MemberRole, Name, PersonId, SessionId, TenantId, Theme};
use tracing::instrument;

use super::People;
use super::session::{ABSOLUTE, IDLE};
use crate::{Error, decode};

/// How exactly it is known when a session was last seen: a write for each request would say no more to a person.
const SEEN_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// A tenant that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: Name,
    /// What the person may do there.
    pub role: MemberRole,
    /// Open alerts that nobody there has acknowledged.
    pub alert_count: u64,
}

/// A person who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The browser that she signed in with.
    pub session: SessionId,
    /// Who she is.
    pub person: PersonId,
    /// The address that she signs in with.
    pub email: Email,
    /// What others see.
    pub name: String,
    /// Whether she runs the installation.
    pub operator: bool,
    /// How the console looks to her.
    pub theme: Theme,
    /// Where she belongs, by name.
    pub memberships: Vec<Membership>,
}

impl People {
    /// What the owner of a session may do in a tenant at this moment, if anything. Unlike [`People::viewer`] it does not count as
    /// something that she did: a page left open keeps no session alive.
    #[instrument(name = "store.people.standing", level = "debug", skip_all)]
    pub async fn standing(
        &self,
        token_hash: &[u8; 32],
        tenant: TenantId,
    ) -> Result<Option<MemberRole>, Error> {
        let now = self.db.clock.now();
        let role = sqlx::query_scalar!(
            r#"
            SELECT m.role
            FROM sessions s
            JOIN memberships m ON m.person_id = s.person_id
            WHERE s.token_hash = $1
                AND s.last_seen_at > $2
                AND s.created_at > $3
                AND m.tenant_id = $4
            "#,
            token_hash.as_slice(),
            now - IDLE,
            now - ABSOLUTE,
            tenant.0,
        )
        .fetch_optional(&self.db.pool)
        .await?;
        role.map(|role| decode::text("a member's role", &role))
            .transpose()
    }

    /// Who has the session with that token, as of now: a removal or a change of role counts from the next request on.
    #[instrument(name = "store.people.viewer", skip_all)]
    pub async fn viewer(&self, token_hash: &[u8; 32]) -> Result<Option<Viewer>, Error> {
        let now = self.db.clock.now();
        let rows = sqlx::query!(
            r#"
            WITH live AS (
                SELECT id, person_id, last_seen_at
                FROM sessions
                WHERE token_hash = $1 AND last_seen_at > $3 AND created_at > $4
            ),
            seen AS (
                UPDATE sessions s
                SET last_seen_at = $2
                FROM live
                WHERE s.id = live.id AND live.last_seen_at <= $5
            )
            SELECT
                live.id AS session_id,
                p.id,
                p.email,
                p.name,
                p.operator,
                p.theme,
                m.tenant_id AS "tenant_id?",
                t.name AS "tenant_name?",
                m.role AS "role?",
                (
                    SELECT count(*)
                    FROM alerts a
                    WHERE a.tenant_id = m.tenant_id
                        AND a.resolved_at IS NULL
                        AND a.acknowledged_at IS NULL
                ) AS "alert_count!"
            FROM live
            JOIN people p ON p.id = live.person_id
            LEFT JOIN (memberships m JOIN tenants t ON t.id = m.tenant_id) ON m.person_id = p.id
            ORDER BY t.name
            "#,
            token_hash.as_slice(),
            now,
            now - IDLE,
            now - ABSOLUTE,
            now - SEEN_PRECISION,
        )
        .fetch_all(&self.db.pool)
        .await?;
        let mut viewer = None;
        for row in rows {
            let viewer = match &mut viewer {
                Some(viewer) => viewer,
                none => none.insert(Viewer {
                    session: SessionId(row.session_id),
                    person: PersonId(row.id),
                    email: decode::text("an e-mail address", &row.email)?,
                    name: row.name,
                    operator: row.operator,
                    theme: decode::text("a theme", &row.theme)?,
                    memberships: Vec::new(),
                }),
            };
            if let (Some(tenant), Some(name), Some(role)) =
                (row.tenant_id, row.tenant_name, row.role)
            {
                viewer.memberships.push(Membership {
                    tenant: TenantId(tenant),
                    tenant_name: decode::text("a tenant's name", &name)?,
                    role: decode::text("a member's role", &role)?,
                    alert_count: decode::count(row.alert_count),
                });
            }
        }
        Ok(viewer)
    }
}
