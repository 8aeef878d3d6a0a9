use domain::PersonId;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, person, sample, tenant, until_somebody_waits};
use crate::{AuditFilter, NewSession};

async fn join(acme: &Sample, name: &str, role: MemberRole) -> PersonId {
    let id = person(&acme.db, name).await;
    acme.db
        .people()
        .enrol(acme.scoped.tenant_id(), id, role)
        .await
        .unwrap();
    id
}

fn invitation(email: &str, token: u8) -> NewInvitation {
    NewInvitation {
        email: email.parse().unwrap(),
        role: MemberRole::Operator,
        token_hash: [token; 32],
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_last_owner_can_neither_go_nor_be_demoted(pool: PgPool) {
    let acme = sample(&pool).await;
    let ada = join(&acme, "ada", MemberRole::Owner).await;
    let bob = join(&acme, "bob", MemberRole::Admin).await;
    for refused in [
        acme.scoped.remove_member(ada).await,
        acme.scoped.change_role(ada, MemberRole::Admin).await,
    ] {
        assert!(matches!(refused, Err(Error::LastOwner)), "{refused:?}");
    }
    acme.scoped
        .change_role(ada, MemberRole::Owner)
        .await
        .unwrap();
    acme.scoped
        .change_role(bob, MemberRole::Owner)
        .await
        .unwrap();
    acme.scoped.remove_member(ada).await.unwrap();
    let left = acme.scoped.members().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].person, left[0].role), (bob, MemberRole::Owner));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn of_two_owners_who_leave_at_once_one_stays(pool: PgPool) {
    let acme = sample(&pool).await;
    for round in 0..5 {
        let ada = join(&acme, &format!("ada{round}"), MemberRole::Owner).await;
        let bob = join(&acme, &format!("bob{round}"), MemberRole::Owner).await;
        for member in acme.scoped.members().await.unwrap() {
            if member.person != ada && member.person != bob {
                acme.scoped.remove_member(member.person).await.unwrap();
            }
        }
        let (one, other) = if round % 2 == 0 {
            tokio::join!(
                acme.scoped.remove_member(ada),
                acme.scoped.remove_member(bob)
            )
        } else {
            tokio::join!(
                acme.scoped.change_role(bob, MemberRole::Auditor),
                acme.scoped.remove_member(ada)
            )
        };
        assert!(
            matches!(
                (&one, &other),
                (Ok(()), Err(Error::LastOwner)) | (Err(Error::LastOwner), Ok(()))
            ),
            "{one:?} {other:?}"
        );
        let owners = acme.scoped.members().await.unwrap();
        assert_eq!(
            owners
                .iter()
                .filter(|member| member.role == MemberRole::Owner)
                .count(),
            1
        );
    }
}

/// Whoever demotes holds the owners' rows; whoever removes meanwhile waits for the outcome and does not read past it.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_removal_waits_for_a_demotion_under_way(pool: PgPool) {
    let acme = sample(&pool).await;
    let ada = join(&acme, "ada", MemberRole::Owner).await;
    let bob = join(&acme, "bob", MemberRole::Owner).await;
    let mut tx = acme.scoped.begin().await.unwrap();
    acme.scoped
        .leaving(&mut tx, ada, MemberRole::Auditor)
        .await
        .unwrap();
    sqlx::query("UPDATE memberships SET role = 'auditor' WHERE person_id = $1")
        .bind(ada.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    let scoped = acme.scoped.clone();
    let waiting = tokio::spawn(async move { scoped.remove_member(bob).await });
    until_somebody_waits(&pool).await;
    tx.commit().await.unwrap();
    let refused = waiting.await.unwrap();
    assert!(matches!(refused, Err(Error::LastOwner)), "{refused:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_removal_and_a_change_of_role_count_at_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    join(&acme, "ada", MemberRole::Owner).await;
    let bob = join(&acme, "bob", MemberRole::Admin).await;
    let people = acme.db.people();
    people
        .enrol(other.scoped.tenant_id(), bob, MemberRole::Auditor)
        .await
        .unwrap();
    people
        .open_session(NewSession {
            person: bob,
            token_hash: [9; 32],
            address: [192, 0, 2, 1].into(),
            agent: "browser".to_owned(),
        })
        .await
        .unwrap();
    let roles = async || -> Vec<(String, MemberRole)> {
        let viewer = people.viewer(&[9; 32]).await.unwrap().unwrap();
        viewer
            .memberships
            .into_iter()
            .map(|one| (one.tenant_name.to_string(), one.role))
            .collect()
    };
    let theirs = ("other".to_owned(), MemberRole::Auditor);
    assert_eq!(
        roles().await,
        [("acme".to_owned(), MemberRole::Admin), theirs.clone()]
    );
    acme.scoped
        .change_role(bob, MemberRole::Auditor)
        .await
        .unwrap();
    assert_eq!(
        roles().await,
        [("acme".to_owned(), MemberRole::Auditor), theirs.clone()]
    );
    acme.scoped.remove_member(bob).await.unwrap();
    assert_eq!(roles().await, [theirs]);
    let gone = acme.scoped.remove_member(bob).await;
    assert!(matches!(gone, Err(Error::Missing { .. })), "{gone:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_tenant_sees_its_members_and_no_other_person(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    join(&acme, "ada", MemberRole::Owner).await;
    let eve = join(&other, "eve", MemberRole::Owner).await;
    let mut tx = acme.scoped.begin().await.unwrap();
    let seen: Vec<String> = sqlx::query_scalar("SELECT email FROM people")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    assert_eq!(seen, ["ada@example.com"]);
    drop(tx);
    for refused in [
        acme.scoped.remove_member(eve).await,
        acme.scoped.change_role(eve, MemberRole::Owner).await,
    ] {
        assert!(
            matches!(refused, Err(Error::Missing { what: "member" })),
            "{refused:?}"
        );
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_invitation_is_used_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    acme.scoped
        .invite(invitation("new@example.com", 1))
        .await
        .unwrap();
    let invited = people.invited(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(invited.tenant_name.as_str(), "acme");
    assert_eq!(invited.role, MemberRole::Operator);
    assert!(!invited.known);
    let (one, other) = tokio::join!(
        people.accept_new(&[1; 32], "New".parse().unwrap(), "hash".to_owned()),
        people.accept_new(&[1; 32], "New".parse().unwrap(), "hash".to_owned()),
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let again = people
        .accept_new(&[1; 32], "New".parse().unwrap(), "hash".to_owned())
        .await;
    assert!(matches!(again, Err(Error::InvitationOver)), "{again:?}");
    let members = acme.scoped.members().await.unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].email.as_str(), "new@example.com");
    assert_eq!(members[0].role, MemberRole::Operator);
    assert_eq!(acme.scoped.invitations().await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_invitation_is_for_one_address_and_for_seven_days(pool: PgPool) {
    let acme = sample(&pool).await;
    let people = acme.db.people();
    let ada = person(&acme.db, "ada").await;
    let bob = person(&acme.db, "bob").await;
    acme.scoped
        .invite(invitation("ada@example.com", 1))
        .await
        .unwrap();
    let refused = people.accept(&[1; 32], bob).await;
    assert!(
        matches!(refused, Err(Error::InvitedAnother { .. })),
        "{refused:?}"
    );
    // Somebody with the address exists: the link alone makes no second person of it.
    let refused = people
        .accept_new(&[1; 32], "Eve".parse().unwrap(), "hash".to_owned())
        .await;
    assert!(
        matches!(refused, Err(Error::EmailTaken { .. })),
        "{refused:?}"
    );
    acme.pass(7 * 24 * 60);
    let refused = people.accept(&[1; 32], ada).await;
    assert!(matches!(refused, Err(Error::InvitationOver)), "{refused:?}");
    assert!(acme.scoped.invitations().await.unwrap()[0].expired);

    acme.scoped
        .invite(invitation("ada@example.com", 2))
        .await
        .unwrap();
    assert_eq!(people.invited(&[1; 32]).await.unwrap(), None);
    assert_eq!(
        people.accept(&[2; 32], ada).await.unwrap(),
        acme.scoped.tenant_id()
    );
    let refused = acme.scoped.invite(invitation("ada@example.com", 3)).await;
    assert!(
        matches!(refused, Err(Error::AlreadyMember { .. })),
        "{refused:?}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_withdrawn_invitation_is_worth_nothing(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let id = acme
        .scoped
        .invite(invitation("new@example.com", 1))
        .await
        .unwrap();
    let theirs = other.scoped.revoke_invitation(id).await;
    assert!(matches!(theirs, Err(Error::Missing { .. })), "{theirs:?}");
    acme.scoped.revoke_invitation(id).await.unwrap();
    assert_eq!(acme.db.people().invited(&[1; 32]).await.unwrap(), None);
    let actions: Vec<_> = acme
        .scoped
        .audit(&AuditFilter::default(), None, 2)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.action, entry.subject_name))
        .collect();
    assert!(actions.contains(&(
        "member.revoke_invitation".to_owned(),
        "new@example.com".to_owned()
    )));
}
