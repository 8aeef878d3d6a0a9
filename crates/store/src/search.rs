//! Finding a thing by a part of its name.

use domain::{Invalid, OrganizationId, PlanId, RepositoryId};
use tracing::instrument;

use crate::{Error, Scoped};

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
}

impl Scoped {
    /// Things with a text in their names, whatever its case: at most `limit` of each kind, the shortest names first.
    #[instrument(name = "store.search.by_name", skip_all)]
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Hit>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            WITH known AS (
                SELECT id, name
                FROM organizations
                WHERE tenant_id = $1 AND removed_at IS NULL
            ),
            named (kind, id, name, organization_id) AS (
                SELECT 'organization', id, name, id
                FROM known
                UNION ALL
                SELECT 'repository', r.id, r.name, r.organization_id
                FROM repositories r
                WHERE r.tenant_id = $1
                UNION ALL
                SELECT 'plan', p.id, p.name, p.organization_id
                FROM plans p
                WHERE p.tenant_id = $1 AND p.removed_at IS NULL
                UNION ALL
                SELECT 'credential', c.id, c.name, c.organization_id
                FROM credentials c
                WHERE c.tenant_id = $1 AND c.removed_at IS NULL
            ),
            ranked AS (
                SELECT
                    n.kind,
                    n.id,
                    n.name,
                    k.id AS organization_id,
                    k.name AS organization_name,
                    row_number() OVER (PARTITION BY n.kind ORDER BY length(n.name), n.name, n.id) AS position
                FROM named n
                JOIN known k ON k.id = n.organization_id
                WHERE strpos(lower(n.name), lower($2)) > 0
            )
            SELECT
                kind AS "kind!",
                id AS "id!",
                name AS "name!",
                organization_id AS "organization_id!",
                organization_name AS "organization_name!"
            FROM ranked
            WHERE position <= $3
            ORDER BY kind, position
            "#,
            self.tenant.0,
            text,
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
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
