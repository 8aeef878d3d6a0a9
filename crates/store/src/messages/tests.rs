use domain::{
    BucketKey, CredentialKind, ForgeKind, Health, Host, Notice, OrganizationId, Role, Secret, Slot,
    Subject,
};
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, credential, name, sample};
use crate::{
    Account, ApplicationKeys, Installation, NewApplication, NewCredential, NewInstallationRequest,
    NewOrganization, Source, TokenSource,
};

/// The accounts of the world that these tests play in, and the applications that are installed there.
const ACCOUNTS: [i64; 3] = [9, 10, 11];
const SLOTS: [Slot; 3] = [Slot::Main, Slot::Additional(1), Slot::Additional(2)];

struct Stage {
    acme: Sample,
    applications: Vec<ApplicationId>,
    organization: OrganizationId,
}

fn keys() -> ApplicationKeys {
    ApplicationKeys {
        app_id: Some(1),
        client_id: "Iv23".to_owned(),
        slug: Some("backup".to_owned()),
        client_secret: Secret::new("secret"),
        private_key: Some(Secret::new("key")),
        webhook_secret: None,
    }
}

fn account(forge_id: i64) -> Account {
    Account {
        login: format!("account-{forge_id}"),
        forge_id,
        is_organization: true,
    }
}

impl Stage {
    /// An organization that was registered with the main application on the first account.
    async fn set(pool: &PgPool) -> Self {
        let acme = sample(pool).await;
        let mut applications = Vec::new();
        for slot in SLOTS {
            let new = NewApplication {
                host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
                slot,
                owner: None,
            };
            let id = acme
                .fleet
                .add_application(&acme.sealer, &new, &keys())
                .await;
            applications.push(id.unwrap());
        }
        let mut stage = Self {
            organization: acme.organization,
            acme,
            applications,
        };
        let main = stage.installed(0, 9, 100);
        stage.organization = stage
            .acme
            .scoped
            .add_organization(
                &stage.acme.sealer,
                NewOrganization {
                    name: name("by-app"),
                    host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
                    accounts: vec![account(9)],
                },
                main,
            )
            .await
            .unwrap()
            .id;
        stage
    }

    fn installed(&self, application: usize, account: i64, number: i64) -> NewCredential {
        NewCredential {
            kind: CredentialKind::AppInstallation,
            bucket: BucketKey {
                host: "github.com".to_owned(),
                subject: Subject::Installation(number),
            },
            login: format!("account-{account}"),
            token: TokenSource::Installation(Installation {
                application: self.applications[application],
                account,
                number,
            }),
            ..credential(
                &format!("app-{application}-{account}"),
                if application == 0 {
                    Role::Main
                } else {
                    Role::Additional
                },
                1,
            )
        }
    }

    /// What somebody's proven return does.
    async fn install(
        &self,
        application: usize,
        on: i64,
        number: i64,
    ) -> Result<CredentialId, Error> {
        self.install_in(self.organization, application, on, number)
            .await
    }

    async fn install_in(
        &self,
        organization: OrganizationId,
        application: usize,
        on: i64,
        number: i64,
    ) -> Result<CredentialId, Error> {
        let scoped = &self.acme.scoped;
        let mut tx = scoped.begin().await?;
        let new = self.installed(application, on, number);
        let id = scoped
            .install_in(&mut tx, &self.acme.sealer, organization, &account(on), new)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn hear(&self, application: usize, guid: &str, notice: &Notice) -> bool {
        let id = self.applications[application];
        let fleet = &self.acme.fleet;
        let is_new = fleet.receive_message(id, guid, Some(notice)).await.unwrap();
        while fleet.act_on_message().await.unwrap() {}
        is_new
    }

    async fn health(&self, id: CredentialId) -> Health {
        let all = self
            .acme
            .scoped
            .credentials(self.organization)
            .await
            .unwrap();
        all.into_iter().find(|one| one.id == id).unwrap().health
    }

    /// The number of the main application's installation on an account.
    async fn main_number(&self, on: i64) -> Option<i64> {
        let all = self.acme.scoped.credentials(self.organization).await;
        all.unwrap().into_iter().find_map(|one| match one.source {
            Source::Installation {
                account, number, ..
            } if one.role == Role::Main && account == on => number,
            _ => None,
        })
    }

    /// The accounts that carry the main application, and the live additional credentials with theirs.
    async fn carried(&self) -> (Vec<i64>, Vec<(CredentialId, i64)>) {
        let all = self
            .acme
            .scoped
            .credentials(self.organization)
            .await
            .unwrap();
        let mut mains = Vec::new();
        let mut live = Vec::new();
        for one in all {
            let Source::Installation {
                account, number, ..
            } = one.source
            else {
                panic!("{one:?}");
            };
            if one.role == Role::Main && number.is_some() {
                mains.push(account);
            } else if one.role == Role::Additional && !matches!(one.health, Health::Dead { .. }) {
                live.push((one.id, account));
            }
        }
        (mains, live)
    }
}

/// The second condition, whatever happens in whatever order.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn no_credential_works_for_an_account_without_main_credentials(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let scoped = &stage.acme.scoped;
    let (mut added, mut refused, mut ended) = (0, 0, 0);
    for seed in 0..12 {
        let mut random = fastrand::Rng::with_seed(seed);
        for step in 0..70 {
            let (mains, live) = stage.carried().await;
            let bare: Vec<i64> = ACCOUNTS
                .into_iter()
                .filter(|one| !mains.contains(one))
                .collect();
            // A third of all steps try what must not work: an additional application where the main one is not.
            let is_hostile = !bare.is_empty() && random.usize(0..3) == 0;
            let application = if is_hostile {
                random.usize(1..SLOTS.len())
            } else {
                random.usize(0..SLOTS.len())
            };
            let on = if is_hostile {
                bare[random.usize(0..bare.len())]
            } else {
                ACCOUNTS[random.usize(0..ACCOUNTS.len())]
            };
            // Installations of one application on one account are few, so that old messages meet new rows.
            let number =
                100 * (i64::try_from(application).unwrap() + 1) + on * 2 + random.i64(0..2);
            let guid = format!("{seed}-{step}");
            // The main application is taken off accounts often, so that there are some without it.
            let what = if is_hostile {
                random.usize(0..3)
            } else {
                random.usize(0..10)
            };
            match what {
                9 => {
                    let from = mains.first().copied().unwrap_or(on);
                    let gone = Notice::Uninstalled {
                        installation: stage.main_number(from).await.unwrap_or(number),
                    };
                    stage.hear(0, &guid, &gone).await;
                }
                0..=2 => {
                    let outcome = stage.install(application, on, number).await;
                    if application == 0 || mains.contains(&on) {
                        outcome.unwrap();
                        added += 1;
                    } else {
                        assert!(
                            matches!(outcome, Err(Error::Unregistered { .. })),
                            "{seed}/{step}: {outcome:?}"
                        );
                        refused += 1;
                    }
                }
                3 => {
                    let gone = Notice::Uninstalled {
                        installation: number,
                    };
                    stage.hear(application, &guid, &gone).await;
                }
                4 => {
                    let by = None;
                    let notice = Notice::Suspended {
                        installation: number,
                        by,
                    };
                    stage.hear(application, &guid, &notice).await;
                }
                5 => {
                    let notice = Notice::Resumed {
                        installation: number,
                    };
                    stage.hear(application, &guid, &notice).await;
                }
                6 => {
                    let notice = Notice::Installed {
                        installation: number,
                        account: on,
                        requester: Some(1),
                    };
                    let before = stage.carried().await;
                    stage.hear(application, &guid, &notice).await;
                    assert_eq!(stage.carried().await, before, "nothing comes by itself");
                }
                7 => {
                    let id = stage.applications[application];
                    let sealer = &stage.acme.sealer;
                    let fleet = &stage.acme.fleet;
                    fleet
                        .replace_application_keys(sealer, id, &keys())
                        .await
                        .unwrap();
                }
                _ => {
                    if let Some((id, _)) = live.first() {
                        let leftover = crate::Leftover::Keep;
                        scoped.remove_credential(*id, leftover).await.unwrap();
                    }
                    let all = scoped.credentials(stage.organization).await.unwrap();
                    if let Some(one) = all.get(random.usize(0..all.len())) {
                        // What cannot be revived is refused, which is as well.
                        scoped.set_health(one.id, &Health::Healthy).await.ok();
                    }
                }
            }
            let (mains, now) = stage.carried().await;
            ended += usize::from(now.len() < live.len());
            for (id, account) in now {
                assert!(
                    mains.contains(&account),
                    "{seed}/{step}: after {what}, {id} works for {account}, and main is on {mains:?}"
                );
            }
        }
    }
    assert!(
        added > 50 && refused > 150 && ended > 10,
        "the sequences say little: {added} added, {refused} refused, {ended} ended"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_organization_registered_by_token_takes_applications_on_any_account(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let organization = stage.acme.organization;
    stage.install_in(organization, 1, 77, 500).await.unwrap();
    let twice = stage.install_in(organization, 1, 77, 501).await.unwrap();
    let all = stage.acme.scoped.credentials(organization).await.unwrap();
    assert_eq!(
        all.len(),
        2,
        "the second installation takes the place of the first"
    );
    assert_eq!(all[1].id, twice);
    assert_eq!(all[1].title(), "GitHub App #1 on account-77");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_suspended_installation_is_parked_and_comes_back(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let id = stage.install(1, 9, 200).await.unwrap();
    let by = Some("ann".to_owned());
    let suspended = Notice::Suspended {
        installation: 200,
        by,
    };
    assert!(stage.hear(1, "a", &suspended).await);
    let reason = "This installation has been suspended by ann".to_owned();
    assert_eq!(stage.health(id).await, Health::Dead { reason });
    let resumed = Notice::Resumed { installation: 200 };
    stage.hear(1, "b", &resumed).await;
    assert_eq!(stage.health(id).await, Health::Healthy);
    assert!(
        !stage.hear(1, "a", &suspended).await,
        "a message counts once"
    );
    assert_eq!(stage.health(id).await, Health::Healthy);
    // Another application's number is another installation.
    stage.hear(2, "a", &suspended).await;
    assert_eq!(stage.health(id).await, Health::Healthy);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_approval_is_offered_to_who_asked_on_the_host_and_to_nobody_else(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let scoped = &stage.acme.scoped;
    let new = NewInstallationRequest {
        organization: stage.organization,
        application: stage.applications[1],
        account_id: 9,
        account: "account-9".to_owned(),
        requester: 4,
    };
    scoped.note_installation_request(&new).await.unwrap();
    let offered = async || {
        let all = scoped
            .installation_requests(stage.organization)
            .await
            .unwrap();
        all[0].installation
    };
    for (guid, account, requester) in [("a", 9, None), ("b", 9, Some(5)), ("c", 10, Some(4))] {
        let notice = Notice::Installed {
            installation: 200,
            account,
            requester,
        };
        stage.hear(1, guid, &notice).await;
        assert_eq!(offered().await, None, "{guid}");
    }
    let notice = Notice::Installed {
        installation: 200,
        account: 9,
        requester: Some(4),
    };
    stage.hear(1, "d", &notice).await;
    assert_eq!(offered().await, Some(200));
    assert_eq!(stage.carried().await.1, [], "it is offered, not added");
    let other = crate::samples::tenant(&stage.acme.db, "other").await;
    let theirs = other.scoped.installation_requests(stage.organization).await;
    assert_eq!(theirs.unwrap(), []);
}

/// Where the host tells of nothing, an installation that has taken the place of an open request is offered; but what it does tell
/// counts more.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_installation_that_the_host_told_of_is_not_offered_to_somebody_else(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let (scoped, fleet) = (&stage.acme.scoped, &stage.acme.fleet);
    let application = stage.applications[1];
    let new = NewInstallationRequest {
        organization: stage.organization,
        application,
        account_id: 9,
        account: "account-9".to_owned(),
        requester: 4,
    };
    scoped.note_installation_request(&new).await.unwrap();
    let open = async || fleet.open_installation_requests(application).await.unwrap();
    let request = open().await.remove(0);
    assert_eq!(request.open_at, stage.acme.clock.now());
    stage.acme.pass(1);
    fleet.note_request_pending(&request).await.unwrap();
    let request = open().await.remove(0);
    assert_eq!(request.open_at, stage.acme.clock.now());

    let theirs = Notice::Installed {
        installation: 200,
        account: 9,
        requester: None,
    };
    stage.hear(1, "a", &theirs).await;
    let offer = async |number| {
        fleet
            .offer_installation(application, &request, number)
            .await
    };
    assert!(!offer(200).await.unwrap(), "nobody had asked for that one");
    assert!(offer(201).await.unwrap());
    assert!(!offer(202).await.unwrap(), "the first answer counts");
    assert_eq!(open().await, []);
    let all = scoped.installation_requests(stage.organization).await;
    let all = all.unwrap();
    assert_eq!(all[0].installation, Some(201));

    let other = crate::samples::tenant(&stage.acme.db, "other").await;
    let theirs = other.scoped.dismiss_installation_request(all[0].id).await;
    assert!(matches!(theirs, Err(Error::Missing { .. })), "{theirs:?}");
    scoped
        .dismiss_installation_request(all[0].id)
        .await
        .unwrap();
    let left = scoped.installation_requests(stage.organization).await;
    assert_eq!(left.unwrap(), []);
    let noted: Vec<String> = sqlx::query_scalar(
        "SELECT action FROM audit WHERE subject_kind = 'installation_request' ORDER BY id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(
        noted,
        ["installation_request.add", "installation_request.dismiss"]
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_a_host_tells_reaches_access_names_and_marks(pool: PgPool) {
    let stage = Stage::set(&pool).await;
    let scoped = &stage.acme.scoped;
    let id = stage.install(1, 9, 200).await.unwrap();
    let covered = Notice::Repositories {
        installation: 200,
        added: vec![1],
        removed: vec![2],
    };
    stage.hear(1, "a", &covered).await;
    let access = scoped.access(stage.organization).await.unwrap();
    assert_eq!(access, [(id, 1, true), (id, 2, false)]);

    let renamed = Notice::AccountRenamed {
        account: 9,
        login: "renamed".to_owned(),
    };
    stage.hear(1, "b", &renamed).await;
    let found = scoped
        .organization(stage.organization)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.accounts[0].login, "renamed");

    let worker = stage.acme.worker().await;
    let run = stage.acme.listed_run(worker, 1).await;
    let claim = stage.acme.claim(worker).await.unwrap();
    let settled = stage
        .acme
        .fleet
        .settle_fetch(&claim, crate::samples::stored('a'))
        .await;
    settled.unwrap();
    let pushed_to = async || {
        let tenant = scoped.tenant_id();
        let states = stage
            .acme
            .fleet
            .plan_states(tenant, stage.acme.plan)
            .await
            .unwrap();
        states[0].is_pushed_to
    };
    assert!(!pushed_to().await, "{run}");
    stage.acme.pass(1);
    stage.hear(1, "c", &Notice::Pushed { repository: 1 }).await;
    assert!(pushed_to().await);
}
