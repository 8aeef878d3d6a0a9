//! The client against a simulated GitLab.

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{ForgeKind, Health, Kind, Resource, Secret};
use forge::{Account, Cursor, Error, collection, oauth};
use forge_sim::gitlab::{Answer, Fault, Limits, ProjectRecipe, Rate, Recipe, UserRecipe};
use futures_util::StreamExt;
use serde_json::Value;

use world::{GitLab, acme};

/// The kinds that come as lists.
fn lists() -> Vec<Kind> {
    Kind::ALL
        .into_iter()
        .filter(|kind| collection(ForgeKind::GitLab, *kind).is_some())
        .collect()
}

#[tokio::test]
async fn a_group_is_listed_with_its_subgroups_by_key() {
    let recipe = Recipe::group("acme", 103)
        .with_project(ProjectRecipe::rich("sub/deep/rich"))
        .with_user(UserRecipe::member("ann"));
    let gitlab = GitLab::new(recipe).await;
    gitlab.control().reset_log();
    let projects = gitlab.projects().await;
    assert_eq!(projects.len(), 104);
    let log = gitlab.control().log();
    assert_eq!(log.api.len(), 2, "{log:?}");
    assert!(log.api[1].address.contains("id_after="));
    let rich = gitlab.project("acme/sub/deep/rich").await;
    assert_eq!(rich.default_branch.as_deref(), Some("main"));
    assert!(rich.private && rich.has_wiki && !rich.empty);
}

#[tokio::test]
async fn everything_that_a_user_sees_can_be_listed_too() {
    let gitlab = GitLab::new(acme()).await;
    let ann = Account {
        id: i64::try_from(gitlab.control().user("ann").unwrap()).unwrap(),
        login: "ann".to_owned(),
        is_organization: false,
    };
    let listing = gitlab.client().repositories(&ann, None).await.unwrap();
    assert_eq!(listing.repositories.len(), 4);
}

#[tokio::test]
async fn every_kind_is_read_as_the_host_has_it() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    for kind in lists() {
        let items = gitlab.items(kind, &rich).await;
        let expected = match kind {
            Kind::Issues | Kind::IssueComments => 5,
            // Membership is the group's: the project itself has none.
            Kind::Members => 0,
            _ => 3,
        };
        let collection = collection(ForgeKind::GitLab, kind).unwrap();
        let keys: BTreeSet<i64> = items.iter().filter_map(collection.key).collect();
        assert_eq!(keys.len(), expected, "{kind}");
    }
    let said = gitlab.items(Kind::IssueComments, &rich).await;
    let threads: usize = said
        .iter()
        .map(|item| item["discussions"].as_array().unwrap().len())
        .sum();
    assert_eq!(threads, 10);
    let snippets = gitlab.items(Kind::Snippets, &rich).await;
    assert!(
        snippets
            .iter()
            .all(|one| !one["content"].as_str().unwrap().is_empty())
    );
    let schedules = gitlab.items(Kind::PipelineSchedules, &rich).await;
    assert_eq!(schedules[0]["variables"][0]["key"], "MODE");
}

#[tokio::test]
async fn a_masked_value_is_not_kept_and_masked_and_hidden_are_told_apart() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let mut variables = gitlab.items(Kind::Variables, &rich).await;
    variables.sort_by_key(|one| one["key"].to_string());
    let shown: Vec<_> = variables
        .iter()
        .map(|one| {
            (
                one["value"].as_str(),
                one["masked"] == true,
                one["hidden"] == true,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (Some("value-1"), false, false),
            (None, true, false),
            (None, true, true)
        ]
    );
}

#[tokio::test]
async fn only_what_changed_is_read_again() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    let newest = gitlab
        .items(Kind::Issues, &rich)
        .await
        .iter()
        .filter_map(
            collection(ForgeKind::GitLab, Kind::Issues)
                .unwrap()
                .updated_at,
        )
        .max();
    gitlab.control().say("acme/sub/rich", 2, "news").unwrap();
    let cursor = Cursor {
        since: newest,
        next: None,
    };
    let page = client.page(Kind::Issues, &rich, &cursor).await.unwrap();
    let iids: Vec<&Value> = page.items.iter().map(|one| &one["iid"]).collect();
    assert_eq!(iids, [5, 2], "the newest of last time, and what came since");
    gitlab.control().reset_log();
    let said = client
        .page(Kind::IssueComments, &rich, &Cursor::default())
        .await
        .unwrap();
    assert_eq!(said.items[0]["iid"], 2);
    assert_eq!(said.items[0]["discussions"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_s_owner_is_asked_with_its_scopes_end_and_reach() {
    let recipe = acme().with_user(UserRecipe {
        bot: true,
        ..UserRecipe::member("group_1_bot")
    });
    let gitlab = GitLab::new(recipe).await;
    let token = Secret::new(gitlab.control().token("group_1_bot").unwrap());
    let owner = gitlab.forge.owner(&gitlab.host, &token).await.unwrap();
    assert!(owner.is_machine);
    assert_eq!(owner.scopes.unwrap(), ["read_api", "read_repository"]);
    let days = (owner.expires_at.unwrap() - gitlab.control().now()).num_days();
    assert!((298..=300).contains(&days), "{days}");
    let memberships = gitlab
        .forge
        .memberships(&gitlab.host, &token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(memberships.logins, ["acme", "acme/sub"]);
    assert_eq!(memberships.repositories, Some(4));
    let account = async |name: &str| {
        gitlab
            .forge
            .account(&gitlab.host, &token, name)
            .await
            .unwrap()
    };
    assert!(account("acme/sub").await.unwrap().is_organization);
    assert!(!account("ann").await.unwrap().is_organization);
    assert_eq!(account("nobody").await, None);
}

#[tokio::test]
async fn what_is_no_gitlab_and_a_token_that_it_does_not_know_are_said() {
    let gitlab = GitLab::new(acme()).await;
    let unknown = Secret::new("glpat-unknown");
    let refused = gitlab
        .forge
        .owner(&gitlab.host, &unknown)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::NoCredential { .. }), "{refused}");
    let github = forge_sim::start(forge_sim::Options::new(forge_sim::Recipe::organization(
        "acme",
        1,
        forge_sim::Profile::Tiny,
    )))
    .await
    .unwrap();
    let other = domain::Host::parse(ForgeKind::GitLab, github.web(), &[]).unwrap();
    let refused = gitlab.forge.owner(&other, &unknown).await.unwrap_err();
    assert!(matches!(refused, Error::Protocol { .. }), "{refused}");
}

/// Reads one short list after another until so many requests are answered; moves time on where the pool waits.
async fn read_many(gitlab: &GitLab, requests: u32) -> chrono::TimeDelta {
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    let began = gitlab.clock.now();
    let mut answered = 0;
    while answered < requests {
        let page = client.page(Kind::Labels, &rich, &Cursor::default()).await;
        if let Err(Error::Throttled { until }) = page {
            gitlab.advance_to(until);
        } else {
            page.unwrap();
            answered += 1;
        }
    }
    gitlab.clock.now() - began
}

#[tokio::test]
async fn sixty_requests_a_minute_are_spent_to_the_last_and_none_is_refused() {
    let gitlab = GitLab::limited(acme(), Limits::api(60, 60)).await;
    let took = read_many(&gitlab, 600).await;
    assert_eq!(gitlab.control().log().refused(), 0);
    // Ten windows, the first of which had begun: at most a tenth more than the quota itself takes.
    assert!(took.num_seconds() <= 660, "{took}");
    assert!(took.num_seconds() >= 530, "{took}");
}

#[tokio::test]
async fn an_hourly_limit_is_a_budget_of_its_window_and_not_of_its_minute() {
    let gitlab = GitLab::limited(acme(), Limits::api(7_200, 3_600)).await;
    let took = read_many(&gitlab, 400).await;
    assert_eq!(
        took.num_seconds(),
        0,
        "120 a minute would have taken three minutes"
    );
    let known = gitlab.pool.buckets();
    let reading = known
        .iter()
        .find(|one| one.resource == Resource::core())
        .unwrap()
        .reading;
    assert_eq!(reading.unwrap().limit, 7_200);
}

#[tokio::test]
async fn a_host_without_throttles_is_not_waited_for() {
    let gitlab = GitLab::new(acme()).await;
    let took = read_many(&gitlab, 300).await;
    assert_eq!(
        (took.num_seconds(), gitlab.control().log().refused()),
        (0, 0)
    );
}

#[tokio::test]
async fn the_limit_of_one_endpoint_stops_that_one_alone_until_its_window_ends() {
    let mut limits = Limits::api(2_000, 60);
    let rate = Rate {
        requests: 5,
        seconds: 60,
    };
    limits.endpoints.insert("GET labels".to_owned(), rate);
    let gitlab = GitLab::limited(acme(), limits).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    let labels = async || client.page(Kind::Labels, &rich, &Cursor::default()).await;
    for _ in 0..5 {
        labels().await.unwrap();
    }
    let refused = labels().await.unwrap_err();
    let Error::Throttled { until } = refused else {
        panic!("{refused}");
    };
    assert!((until - gitlab.clock.now()).num_seconds() <= 61);
    assert!(labels().await.is_err());
    assert_eq!(
        gitlab.control().log().refused(),
        1,
        "it is not asked again before"
    );
    client
        .page(Kind::Milestones, &rich, &Cursor::default())
        .await
        .unwrap();
    gitlab.advance_to(until);
    labels().await.unwrap();
}

#[tokio::test]
async fn two_tokens_of_one_user_share_a_budget_and_a_bot_has_its_own() {
    let recipe = acme().with_user(UserRecipe {
        bot: true,
        ..UserRecipe::member("bot")
    });
    let gitlab = GitLab::limited(recipe, Limits::api(20, 60)).await;
    let twin = gitlab.add("ann").await;
    let bucket = |id| {
        gitlab
            .pool
            .members()
            .into_iter()
            .find(|one| one.id == id)
            .unwrap()
            .bucket
    };
    assert_eq!(bucket(twin), bucket(gitlab.ids[0]));
    assert_ne!(bucket(twin), bucket(gitlab.ids[1]));
    gitlab.control().reset_log();
    read_many(&gitlab, 30).await;
    let log = gitlab.control().log();
    assert_eq!(
        (log.refused(), log.by_user().len()),
        (0, 2),
        "{:?}",
        log.by_user()
    );
}

#[tokio::test]
async fn a_dead_token_is_parked_at_its_first_refusal_and_does_not_get_the_address_banned() {
    let limits = Limits {
        ban: Some((2, 900)),
        ..Limits::default()
    };
    let recipe = acme().with_user(UserRecipe::member("bob"));
    let gitlab = GitLab::limited(recipe, limits).await;
    let rich = gitlab.project("acme/sub/rich").await;
    gitlab.control().revoke("ann");
    let client = gitlab.client();
    let alone = client.among(vec![gitlab.ids[0]]);
    let refused = alone.page(Kind::Labels, &rich, &Cursor::default()).await;
    assert!(
        matches!(refused, Err(Error::NoCredential { .. })),
        "{refused:?}"
    );
    for kind in lists() {
        client.page(kind, &rich, &Cursor::default()).await.unwrap();
    }
    let access = client.git_access(&rich, false).unwrap();
    client.git_references(&access).await.unwrap();
    assert_eq!(gitlab.control().log().unauthorized(), 1);
    let health = gitlab
        .pool
        .members()
        .into_iter()
        .find(|one| one.id == gitlab.ids[0]);
    assert!(
        matches!(health.unwrap().health, Health::Dead { reason } if reason.contains("revoked"))
    );
}

#[tokio::test]
async fn a_banned_address_is_left_alone_whoever_would_ask() {
    let recipe = acme().with_user(UserRecipe::member("bob"));
    let gitlab = GitLab::new(recipe).await;
    let rich = gitlab.project("acme/sub/rich").await;
    gitlab.control().set_limits(Limits {
        ban: Some((1, 600)),
        ..Limits::default()
    });
    gitlab.ban().await;
    gitlab.control().reset_log();
    let client = gitlab.client();
    for _ in 0..3 {
        let refused = client.page(Kind::Labels, &rich, &Cursor::default()).await;
        assert!(
            matches!(refused, Err(Error::Throttled { .. })),
            "{refused:?}"
        );
    }
    gitlab.advance(901);
    client
        .page(Kind::Labels, &rich, &Cursor::default())
        .await
        .unwrap();
    let healthy = gitlab
        .pool
        .members()
        .iter()
        .all(|one| one.health == Health::Healthy);
    assert!(
        healthy,
        "an address that is shut out says nothing of a token"
    );
}

#[tokio::test]
async fn what_fails_is_repeated_and_what_is_asked_to_wait_waits() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    for answer in [
        Answer::Proxy { status: 503 },
        Answer::ResourceLock,
        Answer::Cut,
    ] {
        gitlab.control().fault(Fault {
            path: "/labels".to_owned(),
            times: 2,
            answer,
        });
        let page = client
            .page(Kind::Labels, &rich, &Cursor::default())
            .await
            .unwrap();
        assert_eq!(page.items.len(), 3);
    }
    gitlab.control().fault(Fault {
        path: "/labels".to_owned(),
        times: 1,
        answer: Answer::TooMany { retry_after: 40 },
    });
    let refused = client
        .page(Kind::Labels, &rich, &Cursor::default())
        .await
        .unwrap_err();
    let Error::Throttled { until } = refused else {
        panic!("{refused}");
    };
    assert_eq!((until - gitlab.clock.now()).num_seconds(), 40);
}

#[tokio::test]
async fn a_renamed_project_is_read_on_by_its_number() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    gitlab.control().rename("acme/sub/rich", "richer").unwrap();
    let client = gitlab.client();
    let labels = client
        .page(Kind::Labels, &rich, &Cursor::default())
        .await
        .unwrap();
    assert_eq!(labels.items.len(), 3);
    let settings = client.settings(&rich).await.unwrap();
    assert_eq!(client.name_in(&settings), Some("acme/sub/richer"));
    let access = client.git_access(&rich, false).unwrap();
    let moved = client.git_references(&access).await.unwrap_err();
    assert!(matches!(moved, Error::Moved { .. }), "{moved}");
}

#[tokio::test]
async fn git_wikis_and_large_files_are_read_with_the_token_as_password() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    let access = client.git_access(&rich, false).unwrap();
    assert_eq!(access.username, "oauth2");
    let references = client.git_references(&access).await.unwrap();
    let has = |name: &str| references.iter().any(|(_, one)| one == name);
    assert!(has("refs/heads/main") && has("refs/merge-requests/3/head"));
    let wiki = client.git_access(&rich, true).unwrap();
    assert!(!client.git_references(&wiki).await.unwrap().is_empty());
    let pointers: Vec<forge::LfsPointer> = gitlab.control().with_world(|world| {
        let project = world.project("acme/sub/rich").unwrap();
        let pointer = |(oid, content): (&String, &forge_sim::world::Content)| forge::LfsPointer {
            oid: oid.clone(),
            size: content.size,
        };
        project.lfs.iter().map(pointer).collect()
    });
    let objects = client.lfs_batch(&rich, &pointers).await.unwrap();
    assert_eq!(objects.len(), 2);
    for object in objects {
        let mut body = client
            .lfs_download(&object.action.unwrap())
            .await
            .unwrap()
            .body;
        let mut seen = 0;
        while let Some(chunk) = body.next().await {
            seen += chunk.unwrap().len();
        }
        assert_eq!(seen as u64, object.size);
    }
}

#[tokio::test]
async fn a_guest_is_refused_where_another_is_not() {
    let recipe = Recipe::group("acme", 0)
        .with_project(ProjectRecipe::rich("sub/rich"))
        .with_user(UserRecipe {
            access_level: 20,
            ..UserRecipe::member("rob")
        })
        .with_user(UserRecipe::member("ann"));
    let gitlab = GitLab::new(recipe).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let hooks = gitlab
        .client()
        .page(Kind::Hooks, &rich, &Cursor::default())
        .await
        .unwrap();
    assert_eq!(hooks.items.len(), 3);
    let alone = gitlab.client_of(&[gitlab.ids[0]]);
    let refused = alone
        .page(Kind::Hooks, &rich, &Cursor::default())
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Denied { .. }), "{refused}");
}

#[tokio::test]
async fn a_host_below_a_path_is_asked_there() {
    let gitlab = GitLab::with(|options| forge_sim::gitlab::Options {
        prefix: "/tools/gitlab".to_owned(),
        ..options
    })
    .await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    client
        .page(Kind::Issues, &rich, &Cursor::default())
        .await
        .unwrap();
    let access = client.git_access(&rich, false).unwrap();
    assert!(!client.git_references(&access).await.unwrap().is_empty());
    let waited = tokio::time::timeout(Duration::from_secs(5), gitlab.projects()).await;
    assert_eq!(waited.unwrap().len(), 4);
}

fn arrived<'a>(
    code: &'a Secret,
    verifier: &'a Secret,
    returns_to: Option<&'a str>,
) -> oauth::Arrived<'a> {
    oauth::Arrived {
        code,
        verifier,
        returns_to,
    }
}

#[tokio::test]
async fn a_code_becomes_a_token_and_a_refresh_token_ends_the_one_it_came_with() {
    let world = GitLab::new(acme()).await;
    let application = world.control().add_application(
        "Backup",
        vec!["https://backup.acme.test/gitlab/callback".to_owned()],
        vec!["read_api".to_owned(), "read_repository".to_owned()],
    );
    let client = oauth::Client {
        id: application.client_id.clone(),
        secret: Secret::new(application.secret.clone()),
    };
    // RFC 7636, appendix B.
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let ann = world.control().user("ann").unwrap();
    let code = || Secret::new(world.control().grant(&application, ann, challenge));
    let asked = world.forge.oauth(&world.host);
    let home = Some("https://backup.acme.test/gitlab/callback");
    for (verifier, returns_to) in [
        (&Secret::new("somebody-else"), home),
        (&verifier, Some("https://elsewhere.test/")),
    ] {
        let refused = asked
            .exchange(&client, arrived(&code(), verifier, returns_to))
            .await;
        assert!(
            matches!(&refused, Err(Error::NoCredential { detail }) if detail.contains("invalid, expired, revoked")),
            "{refused:?}"
        );
    }
    let good = code();
    let first = asked
        .exchange(&client, arrived(&good, &verifier, home))
        .await
        .unwrap();
    assert!(first.expires_at.is_some());
    let again = asked
        .exchange(&client, arrived(&good, &verifier, home))
        .await;
    assert!(
        matches!(again, Err(Error::NoCredential { .. })),
        "{again:?}"
    );
    let (forge, host) = (&world.forge, &world.host);
    let owner = |token: Secret| async move { forge.owner(host, &token).await };
    let known = owner(first.access_token()).await.unwrap();
    assert_eq!(known.login, "ann");
    assert_eq!(
        known.scopes,
        Some(vec!["read_api".to_owned(), "read_repository".to_owned()])
    );

    let refresh = first.refresh_token().unwrap();
    let second = asked.renew(&client, &refresh).await.unwrap();
    assert_ne!(second.access_token(), first.access_token());
    assert_eq!(owner(second.access_token()).await.unwrap().login, "ann");
    let old = owner(first.access_token()).await;
    assert!(matches!(old, Err(Error::NoCredential { .. })), "{old:?}");
    let reused = asked.renew(&client, &refresh).await;
    assert!(
        matches!(reused, Err(Error::NoCredential { .. })),
        "{reused:?}"
    );
}

#[tokio::test]
async fn awards_and_approvals_stand_beside_what_was_said() {
    let gitlab = GitLab::new(acme()).await;
    let rich = gitlab.project("acme/sub/rich").await;
    let client = gitlab.client();
    let read = async |kind| {
        client
            .page(kind, &rich, &Cursor::default())
            .await
            .unwrap()
            .items
    };
    let of = |rows: &[Value], iid: i64| rows.iter().find(|row| row["iid"] == iid).unwrap().clone();
    let requests = read(Kind::ReviewComments).await;
    assert_eq!(of(&requests, 1)["award_emoji"][0]["name"], "thumbsup");
    assert!(of(&requests, 1)["approved_by"][0]["user"]["username"].is_string());
    assert_eq!(of(&requests, 2)["approved_by"], serde_json::json!([]));
    assert_eq!(of(&requests, 2).get("award_emoji"), None);
    let issues = read(Kind::IssueComments).await;
    assert_eq!(of(&issues, 1)["award_emoji"][0]["name"], "thumbsup");
    assert_eq!(of(&issues, 1).get("approved_by"), None);
}
