//! Finding a thing by a part of its name.

use domain::{ForgeKind, Invalid, OrganizationId, PlanId, RepositoryId};
use tracing::instrument;

use crate::{Error, Scoped, decode};

/// What a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An organization.
    Organization(OrganizationId),
    /// A repository.
    Repository(RepositoryId),
    /// A plan.
    Plan(PlanId),
    /// A credential of this organization.
    Credential(OrganizationId),
}

/// A thing whose name was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub found: Found,
    /// Its name.
    pub name: String,
    /// The name of the organization that it belongs to, or its own.
    pub organization_name: String,
    /// Whose host that organization is on.
    pub forge: ForgeKind,
}

impl Scoped {
    /// Things with a text in their names, whatever its case: at most `limit` of each kind, the shortest names first.
    #[instrument(name = "store.search.by_name", skip_all)]
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Hit>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                n.kind AS "kind!",
                n.id AS "id!",
                n.name AS "name!",
                k.id AS "organization_id!",
                k.name AS "organization_name!",
                k.host_kind AS "host_kind!"
            FROM (
                (
                    SELECT 'organization' AS kind, id, name, id AS organization_id
                    FROM organizations
                    WHERE tenant_id = $1 AND removed_at IS NULL AND strpos(lower(name COLLATE "C"), $2) > 0
                    ORDER BY length(name), name COLLATE "C", id
                    LIMIT $3
                )
                UNION ALL
                (
                    SELECT 'repository', id, name, organization_id
                    FROM repositories
                    WHERE tenant_id = $1
                        AND strpos(lower(name COLLATE "C"), $2) > 0
                        AND organization_id IN (
                            SELECT id FROM organizations WHERE tenant_id = $1 AND removed_at IS NULL
                        )
                    ORDER BY length(name), name COLLATE "C", id
                    LIMIT $3
                )
                UNION ALL
                (
                    SELECT 'plan', id, name, organization_id
                    FROM plans
                    WHERE tenant_id = $1
                        AND removed_at IS NULL
                        AND strpos(lower(name COLLATE "C"), $2) > 0
                        AND organization_id IN (
                            SELECT id FROM organizations WHERE tenant_id = $1 AND removed_at IS NULL
                        )
                    ORDER BY length(name), name COLLATE "C", id
                    LIMIT $3
                )
                UNION ALL
                (
                    SELECT 'credential', id, name, organization_id
                    FROM credentials
                    WHERE tenant_id = $1
                        AND removed_at IS NULL
                        AND strpos(lower(name COLLATE "C"), $2) > 0
                        AND organization_id IN (
                            SELECT id FROM organizations WHERE tenant_id = $1 AND removed_at IS NULL
                        )
                    ORDER BY length(name), name COLLATE "C", id
                    LIMIT $3
                )
            ) n
            JOIN organizations k ON k.tenant_id = $1 AND k.id = n.organization_id
            ORDER BY n.kind, length(n.name), n.name COLLATE "C", n.id
            "#,
            self.tenant.0,
            text.to_ascii_lowercase(),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let organization = OrganizationId(row.organization_id);
                let found = match row.kind.as_str() {
                    "organization" => Found::Organization(organization),
                    "repository" => Found::Repository(RepositoryId(row.id)),
                    "plan" => Found::Plan(PlanId(row.id)),
                    "credential" => Found::Credential(organization),
                    other => {
                        return Err(Error::Unreadable {
                            what: "a kind of thing",
                            detail: Invalid::new(other).to_string(),
                        });
                    }
                };
                Ok(Hit {
                    found,
                    name: row.name,
                    organization_name: row.organization_name,
                    forge: decode::text("a kind of host", &row.host_kind)?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
