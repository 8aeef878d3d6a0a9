//! Groups of a GitLab: the same plans, runs and pools.

use domain::{
    BucketKey, CheckState, Content, CredentialId, CredentialKind, Errand, ForgeKind, Host, Kind,
    OrganizationId, PlanId, Reason, Retention, Role, RunState, Secret, SecretId, Selection,
};
use forge_sim::Recipe as GitHub;
use forge_sim::gitlab::{self, Limits, Options, ProjectRecipe, Recipe, UserRecipe};
use sqlx::PgPool;
use store::{
    Account, Check, NewCheck, NewCredential, NewOrganization, NewPlan, RunView, TokenSource,
};

use crate::world::{Setting, World, sealer};

/// A GitLab beside the world's usual host, with a plan for its group.
struct Site {
    world: World,
    gitlab: gitlab::Handle,
    organization: OrganizationId,
    plan: PlanId,
    _scheduler: scheduler::Handle,
}

fn group(projects: usize) -> Recipe {
    Recipe::group("acme", projects).with_user(UserRecipe::member("ann"))
}

fn credential(gitlab: &gitlab::Handle, user: &str, role: Role) -> NewCredential {
    let control = gitlab.control();
    let bucket: BucketKey = format!(
        "{}/user:{}",
        gitlab.web().trim_start_matches("http://"),
        control.user(user).unwrap()
    )
    .parse()
    .unwrap();
    NewCredential {
        name: user.parse().unwrap(),
        login: user.to_owned(),
        role,
        kind: CredentialKind::AccessToken,
        bucket,
        reserve_percent: 0,
        token: TokenSource::New(Secret::new(control.token(user).unwrap())),
        scopes: None,
        expires_at: None,
    }
}

impl Site {
    /// The first user is the main one, the others are additional and switched on.
    async fn start(pool: &PgPool, recipe: Recipe, limits: Limits) -> Self {
        let world = World::make(
            pool,
            Setting::of(GitHub::organization("acme", 1, forge_sim::Profile::Tiny)),
        )
        .await;
        let users: Vec<String> = recipe
            .users
            .iter()
            .map(|one| one.username.clone())
            .collect();
        let gitlab = gitlab::start(Options {
            limits,
            ..Options::new(recipe)
        })
        .await
        .unwrap();
        let id = gitlab
            .control()
            .with_world(|world| world.group("acme").unwrap().id);
        let sealer = sealer(world.folder.path());
        let (main, additional) = users.split_first().unwrap();
        let organization = world
            .scoped
            .add_organization(
                &sealer,
                NewOrganization {
                    name: "group".parse().unwrap(),
                    host: Host::parse(ForgeKind::GitLab, gitlab.web(), &[]).unwrap(),
                    accounts: vec![Account {
                        login: "acme".to_owned(),
                        forge_id: i64::try_from(id).unwrap(),
                        is_organization: true,
                    }],
                },
                credential(&gitlab, main, Role::Main),
            )
            .await
            .unwrap();
        let mut use_credentials: Vec<CredentialId> = Vec::new();
        for user in additional {
            let added = world
                .scoped
                .add_credential(
                    &sealer,
                    organization.id,
                    credential(&gitlab, user, Role::Additional),
                )
                .await;
            use_credentials.push(added.unwrap());
        }
        let plan = world
            .scoped
            .add_plan(NewPlan {
                name: "groups".parse().unwrap(),
                organization: organization.id,
                selection: Selection::All,
                content: Content::default(),
                storage: world.storage,
                schedule: None,
                paused: false,
                retention: Retention::default(),
                additional_credentials: !use_credentials.is_empty(),
                pool_part: domain::PoolPart::ALL,
                weight: domain::Weight::USUAL,
                use_credentials,
            })
            .await
            .unwrap();
        let scheduler = world.start("worker", 4).await;
        Self {
            world,
            gitlab,
            organization: organization.id,
            plan,
            _scheduler: scheduler,
        }
    }

    /// A run, and what arrived for it.
    async fn run(&self) -> (RunView, gitlab::Log) {
        self.gitlab.control().reset_log();
        let view = self.world.run(self.plan).await;
        (view, self.gitlab.control().log())
    }

    /// The entry that holds the main credential's token.
    async fn entry(&self) -> SecretId {
        let all = self.world.scoped.credentials(self.organization).await;
        all.unwrap().remove(0).source.entry().unwrap()
    }

    async fn rotate(&self, secret: SecretId) -> Check {
        let new = NewCheck {
            errand: Errand::Rotate { secret },
            token: Some(TokenSource::Entry(secret)),
            once: None,
        };
        let sealer = sealer(self.world.folder.path());
        let id = self.world.scoped.request_check(&sealer, new).await;
        self.world.ended(id.unwrap()).await
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_group_is_backed_up_whole_and_both_accounts_are_spent(pool: PgPool) {
    let recipe = group(6)
        .with_project(ProjectRecipe::rich("sub/rich"))
        .with_user(UserRecipe::member("bob"));
    let site = Site::start(&pool, recipe, Limits::api(2_000, 3_600)).await;
    let (run, log) = site.run().await;
    assert_eq!(run.state, RunState::Complete, "{run:#?}");
    assert_eq!((log.refused(), log.unauthorized()), (0, 0));
    let spent = log.by_user();
    assert!(spent["ann"] > 0 && spent["bob"] > 0, "{spent:?}");
    let snapshots = site.world.snapshots().await;
    assert_eq!(snapshots.len(), 7);
    let rich = snapshots
        .iter()
        .find(|one| one.repository_name.to_string() == "acme/sub/rich")
        .unwrap();
    let count = |kind| rich.counts.get(&kind).copied().unwrap_or_default();
    assert_eq!((count(Kind::Issues), count(Kind::IssueComments)), (5, 5));
    assert_eq!(
        (count(Kind::PullRequests), count(Kind::ReviewComments)),
        (3, 3)
    );
    assert_eq!(
        (count(Kind::Lfs), count(Kind::Uploads), count(Kind::Assets)),
        (2, 3, 3)
    );
    assert_eq!((count(Kind::Variables), count(Kind::ProtectedTags)), (3, 3));
    assert!(count(Kind::Git) > 6 && count(Kind::Wiki) > 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unchanged_group_costs_less_than_a_tenth_of_a_request_for_each_project(pool: PgPool) {
    let site = Site::start(&pool, group(30), Limits::default()).await;
    let (first, _) = site.run().await;
    assert_eq!(first.state, RunState::Complete);
    let (second, log) = site.run().await;
    assert_eq!(second.state, RunState::Complete);
    assert!(log.api.len() < 3, "{:?}", log.api);
    assert!(log.git.is_empty(), "{:?}", log.git);
    assert_eq!(second.tally.unchanged, 30, "{second:#?}");
    site.gitlab.control().push("acme/project-007").unwrap();
    let (third, log) = site.run().await;
    assert_eq!(third.tally.unchanged, 29, "{third:#?}");
    let id = site
        .gitlab
        .control()
        .with_world(|world| world.project("acme/project-007").unwrap().id);
    let others = log.api.iter().filter(|one| {
        one.address.contains("/projects/") && !one.address.contains(&format!("/projects/{id}"))
    });
    assert_eq!(others.count(), 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_low_role_may_not_read_is_an_omission_with_its_reason(pool: PgPool) {
    let recipe = Recipe::group("acme", 0)
        .with_project(ProjectRecipe {
            without_issues: true,
            ..ProjectRecipe::rich("rich")
        })
        .with_user(UserRecipe {
            access_level: 20,
            ..UserRecipe::member("rob")
        });
    let site = Site::start(&pool, recipe, Limits::default()).await;
    let (run, _) = site.run().await;
    assert_eq!(run.state, RunState::CompleteWithOmissions, "{run:#?}");
    let snapshots = site.world.snapshots().await;
    let omitted: Vec<Kind> = snapshots[0].omissions.iter().map(|one| one.kind).collect();
    for kind in [
        Kind::Hooks,
        Kind::Variables,
        Kind::DeployKeys,
        Kind::Uploads,
        Kind::ProtectedBranches,
    ] {
        assert!(omitted.contains(&kind), "{omitted:?}");
    }
    // What is switched off is nothing to miss.
    assert!(
        !omitted.contains(&Kind::Issues) && !omitted.contains(&Kind::Boards),
        "{omitted:?}"
    );
    assert!(
        snapshots[0]
            .omissions
            .iter()
            .all(|one| one.reason == Reason::Denied)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_rotated_token_is_in_the_password_manager_and_the_next_run_goes_on_with_it(pool: PgPool) {
    let recipe = Recipe::group("acme", 2).with_user(UserRecipe::member("ann").with_scopes(&[
        "read_api",
        "read_repository",
        "self_rotate",
    ]));
    let site = Site::start(&pool, recipe, Limits::default()).await;
    let control = site.gitlab.control();
    let old = control.token("ann").unwrap();
    let secret = site.entry().await;
    let check = site.rotate(secret).await;
    assert_eq!(check.state, CheckState::Accepted, "{check:?}");
    let new = control.token("ann").unwrap();
    assert_ne!(new, old);
    let sealer = sealer(site.world.folder.path());
    let kept = site.world.scoped.open_secret(&sealer, secret).await;
    assert_eq!(kept.unwrap().expose(), new);
    let ends = check.findings.unwrap().expires_at.unwrap();
    assert!((ends - control.now()).num_days() > 250, "{ends}");
    let (run, log) = site.run().await;
    assert_eq!(run.state, RunState::Complete, "{run:#?}");
    assert_eq!(log.unauthorized(), 0, "{log:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_that_may_not_rotate_itself_is_left_as_it_is(pool: PgPool) {
    let site = Site::start(&pool, group(1), Limits::default()).await;
    let old = site.gitlab.control().token("ann");
    let check = site.rotate(site.entry().await).await;
    assert_eq!(check.state, CheckState::Refused, "{check:?}");
    let sentence = check.refusal.unwrap().sentence;
    assert!(sentence.contains("self_rotate"), "{sentence}");
    assert_eq!(site.gitlab.control().token("ann"), old);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_role_in_each_group_is_told_when_a_token_is_added(pool: PgPool) {
    let recipe = group(1).with_user(UserRecipe {
        access_level: 20,
        ..UserRecipe::member("rob")
    });
    let site = Site::start(&pool, recipe, Limits::default()).await;
    let errand = Errand::Add {
        organization: site.organization,
        user: "rob".parse().unwrap(),
        reserve_percent: 0,
    };
    let token = site.gitlab.control().token("rob").unwrap();
    let id = site.world.ask(errand, Some(&token)).await;
    let check = site.world.ended(id).await;
    let findings = check.findings.unwrap();
    let roles: Vec<String> = findings
        .roles
        .iter()
        .map(domain::check::RoleIn::label)
        .collect();
    assert_eq!(roles, ["Reporter in acme"]);
    assert_eq!(findings.same_user_as, Some("rob".parse().unwrap()));
}
