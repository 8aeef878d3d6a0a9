//! People: who may sign in, their sessions, their second factor, and the tenants that they belong to.
//!
//! A person belongs to the installation and may be a member of several tenants, so this is not behind a tenant's scope.
//! Passwords, session tokens, recovery codes and invitation links come here as hashes; what makes and checks them is
//! elsewhere.

use chrono::{DateTime, Utc};
use domain::{Email, Name, PersonId, PersonName, TenantId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::{Act, Actor, Db, Error, Sealer, decode};

mod attempts;
mod installation;
mod invited;
mod session;
mod step;
mod totp;
mod viewer;

pub use attempts::Attempts;
pub use installation::TenantOverview;
pub use invited::Invited;
pub use session::{NewSession, Session};
pub use totp::Totp;
pub use viewer::{Membership, Viewer};

/// Somebody to add.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The address to sign in with.
    pub email: Email,
    /// What others see.
    pub name: PersonName,
    /// The password's hash, in PHC form.
    pub password_hash: String,
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Her id.
    pub id: PersonId,
    /// The address that she signs in with.
    pub email: Email,
    /// What others see.
    pub name: String,
    /// Whether she runs the installation.
    pub operator: bool,
    /// Whether signing in asks for a one-time code.
    pub totp: bool,
    /// When she was added.
    pub created_at: DateTime<Utc>,
}

/// What is needed to check a password.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Who has the e-mail address.
    pub person: PersonId,
    /// The hash that the password must fit, in PHC form.
    pub password_hash: String,
    /// Whether a one-time code is needed too.
    pub totp: bool,
}

/// The handle for people.
#[derive(Debug, Clone)]
pub struct People {
    pub(crate) db: Db,
    actor: Actor,
}

impl People {
    pub(crate) fn of(db: Db) -> Self {
        Self {
            db,
            actor: Actor::scheduler(),
        }
    }

    /// The same on behalf of somebody, under whose name the audit log keeps what is done through it.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// Whether somebody runs the installation.
    #[instrument(name = "store.people.is_set_up", skip_all)]
    pub async fn is_set_up(&self) -> Result<bool, Error> {
        let known =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM people WHERE operator) AS "known!""#)
                .fetch_one(&self.db.pool)
                .await?;
        Ok(known)
    }

    /// Adds the service operator, who owns the first tenant. A tenant of that name that exists already is taken over.
    #[instrument(name = "store.people.set_up", skip_all)]
    pub async fn set_up(
        &self,
        sealer: &Sealer,
        new: NewPerson,
        tenant: &Name,
    ) -> Result<PersonId, Error> {
        let mut tx = self.db.begin().await?;
        // Two people may hold the code of the first start: the second waits here, and then finds the first.
        sqlx::query!("LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        let known =
            sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM people WHERE operator) AS "known!""#)
                .fetch_one(&mut *tx)
                .await?;
        if known {
            return Err(Error::SetUpAlready);
        }
        let person = self.insert(&mut tx, &new, true).await?;
        let actor = Actor {
            person: Some(person),
            name: new.name.to_string(),
            address: self.actor.address,
        };
        let this = self.clone().acting(actor);
        let existing =
            sqlx::query_scalar!("SELECT id FROM tenants WHERE name = $1", tenant.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let tenant = match existing {
            Some(id) => TenantId(id),
            None => {
                this.db
                    .fleet()
                    .acting(this.actor.clone())
                    .add_tenant_in(&mut tx, tenant, sealer)
                    .await?
                    .id
            }
        };
        this.join(&mut tx, tenant, person, domain::MemberRole::Owner)
            .await?;
        this.note_installation(
            &mut tx,
            Act {
                action: "installation.set_up",
                subject: ("person", person.0, new.name.as_str()),
                before: None,
                after: Some(json!({ "email": new.email })),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(person)
    }

    /// Adds somebody who belongs to no tenant yet.
    #[instrument(name = "store.people.add", skip_all)]
    pub async fn add(&self, new: NewPerson, operator: bool) -> Result<PersonId, Error> {
        let mut tx = self.db.begin().await?;
        let person = self.insert(&mut tx, &new, operator).await?;
        self.note_installation(
            &mut tx,
            Act {
                action: "person.add",
                subject: ("person", person.0, new.name.as_str()),
                before: None,
                after: Some(json!({ "email": new.email, "operator": operator })),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(person)
    }

    /// Everybody, by e-mail address.
    #[instrument(name = "store.people.list", skip_all)]
    pub async fn list(&self) -> Result<Vec<Person>, Error> {
        sqlx::query!(
            r#"
            SELECT p.id, p.email, p.name, p.operator, p.created_at, t.confirmed_at IS NOT NULL AS "totp!"
            FROM people p
            LEFT JOIN totps t ON t.person_id = p.id
            ORDER BY p.email
            "#
        )
        .fetch_all(&self.db.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(Person {
                id: PersonId(row.id),
                email: decode::text("an e-mail address", &row.email)?,
                name: row.name,
                operator: row.operator,
                totp: row.totp,
                created_at: row.created_at,
            })
        })
        .collect()
    }

    /// What is needed to check the password of whoever has the e-mail address.
    #[instrument(name = "store.people.sign_in", skip_all)]
    pub async fn sign_in(&self, email: &Email) -> Result<Option<SignIn>, Error> {
        let row = sqlx::query!(
            r#"
            SELECT p.id, p.password_hash, t.confirmed_at IS NOT NULL AS "totp!"
            FROM people p
            LEFT JOIN totps t ON t.person_id = p.id
            WHERE p.email = $1
            "#,
            email.as_str(),
        )
        .fetch_optional(&self.db.pool)
        .await?;
        Ok(row.map(|row| SignIn {
            person: PersonId(row.id),
            password_hash: row.password_hash,
            totp: row.totp,
        }))
    }

    /// Changes what others see.
    #[instrument(name = "store.people.rename", skip_all)]
    pub async fn rename(&self, person: PersonId, name: &PersonName) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let before =
            sqlx::query_scalar!("SELECT name FROM people WHERE id = $1 FOR UPDATE", person.0)
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(Error::Missing { what: "person" })?;
        let result = sqlx::query!(
            "UPDATE people SET name = $2 WHERE id = $1",
            person.0,
            name.as_str(),
        )
        .execute(&mut *tx)
        .await?;
        found("person", "store.people.rename", &result)?;
        self.note_person(
            &mut tx,
            person,
            "person.rename",
            Some(json!({ "name": before })),
            Some(json!({ "name": name })),
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes how the console looks to a person.
    #[instrument(name = "store.people.set_theme", skip_all)]
    pub async fn set_theme(&self, person: PersonId, theme: domain::Theme) -> Result<(), Error> {
        let result = sqlx::query!(
            "UPDATE people SET theme = $2 WHERE id = $1",
            person.0,
            theme.as_str(),
        )
        .execute(&self.db.pool)
        .await?;
        found("person", "store.people.set_theme", &result)
    }

    /// Gives somebody another password, without knowing the present one: every session ends, failed attempts are
    /// forgotten, and, if wanted, the second factor goes.
    #[instrument(name = "store.people.reset_password", skip_all)]
    pub async fn reset_password(
        &self,
        person: PersonId,
        password_hash: &str,
        drop_totp: bool,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.put_password(&mut tx, person, password_hash).await?;
        sqlx::query!("DELETE FROM sessions WHERE person_id = $1", person.0)
            .execute(&mut *tx)
            .await?;
        sqlx::query!(
            "DELETE FROM sign_in_attempts WHERE account = (SELECT email FROM people WHERE id = $1)",
            person.0,
        )
        .execute(&mut *tx)
        .await?;
        if drop_totp {
            totp::forget(&mut tx, person).await?;
        }
        self.note_person(
            &mut tx,
            person,
            "person.reset_password",
            None,
            Some(json!({ "second_factor_removed": drop_totp })),
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn insert(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        new: &NewPerson,
        operator: bool,
    ) -> Result<PersonId, Error> {
        let id = PersonId::new();
        sqlx::query!(
            r#"
            INSERT INTO people (id, email, name, password_hash, operator, created_at, password_changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            "#,
            id.0,
            new.email.as_str(),
            new.name.as_str(),
            new.password_hash,
            operator,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("people_email_key", || Error::EmailTaken {
            email: new.email.clone(),
        })?;
        Ok(id)
    }

    async fn put_password(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        person: PersonId,
        password_hash: &str,
    ) -> Result<(), Error> {
        let result = sqlx::query!(
            "UPDATE people SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
            person.0,
            password_hash,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        found("person", "store.people.put_password", &result)?;
        // Whoever has given the former password only is not let in with a code any more.
        sqlx::query!("DELETE FROM sign_ins WHERE person_id = $1", person.0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Writes what concerns a person into the log of each of her tenants, and of the installation if she runs it or
    /// belongs to no tenant.
    async fn note_person(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        person: PersonId,
        action: &'static str,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            INSERT INTO audit (
                tenant_id, id, at, person_id, person_name, address,
                action, subject_kind, subject_id, subject_name, before, after
            )
            SELECT s.tenant_id, gen_random_uuid(), $2, $3, coalesce($4, p.name), $5, $6, 'person', p.id, p.name, $7, $8
            FROM people p
            CROSS JOIN LATERAL (
                SELECT m.tenant_id FROM memberships m WHERE m.person_id = p.id
                UNION ALL
                SELECT NULL WHERE p.operator
                    OR NOT EXISTS (SELECT FROM memberships m WHERE m.person_id = p.id)
            ) AS s
            WHERE p.id = $1
            "#,
            person.0,
            self.db.clock.now(),
            self.actor.person.map(|person| person.0),
            (self.actor.person != Some(person)).then_some(self.actor.name.as_str()),
            self.actor.address.map(|address| address.to_string()),
            action,
            before,
            after,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Writes into the installation's log what changes nothing but must be known: that something sensitive was read.
    #[instrument(name = "store.people.record", skip_all, fields(action = act.action))]
    pub async fn record(&self, act: Act<'_>) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.note_installation(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes what concerns the installation into its log.
    async fn note_installation(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        act: Act<'_>,
    ) -> Result<(), Error> {
        crate::audit::write(tx, None, self.db.clock.now(), &self.actor, act).await
    }
}

#[cfg(test)]
mod tests;
