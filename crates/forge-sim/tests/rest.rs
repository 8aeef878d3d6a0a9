//! The REST interface: lists, pages, conditional requests, limits, and who sees what.

use std::collections::BTreeSet;
use std::time::Duration;

use forge_sim::{Limits, Options, Quota, Recipe, RepositoryRecipe, UserRecipe};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use crate::harness::{Sim, recipe};

#[tokio::test]
async fn lists_hold_what_the_world_holds() {
    let sim = Sim::start().await;
    let world = sim.control().world();
    let rich = world.repository("acme/rich").unwrap();
    for (path, count) in [
        ("/orgs/acme/repos", 5),
        (
            "/repos/acme/rich/issues?state=all",
            rich.counts.issues + rich.counts.pulls,
        ),
        (
            "/repos/acme/rich/issues/comments?per_page=100",
            rich.counts.issue_comments,
        ),
        ("/repos/acme/rich/pulls?state=all", rich.counts.pulls),
        (
            "/repos/acme/rich/pulls/comments",
            rich.counts.review_comments,
        ),
        ("/repos/acme/rich/labels", rich.counts.labels),
        (
            "/repos/acme/rich/milestones?state=all",
            rich.counts.milestones,
        ),
        ("/repos/acme/rich/releases", rich.counts.releases),
    ] {
        let items = sim.all(path).await;
        let ids = items
            .iter()
            .map(|item| item["id"].as_u64().unwrap())
            .collect::<BTreeSet<_>>();
        assert_eq!((items.len(), ids.len()), (count, count), "{path}");
    }
    assert_eq!(sim.control().statistics().refused, 0);
}

#[tokio::test]
async fn links_lead_by_number_to_the_neighbours() {
    let sim = Sim::start().await;
    let id = sim.control().world().repository("acme/rich").unwrap().id;
    let second = sim
        .get("/repos/acme/rich/issues?state=all&per_page=20&page=2")
        .await;
    let base = format!(
        "{}/repositories/{id}/issues?state=all&per_page=20",
        sim.handle.api()
    );
    assert_eq!(
        second.header("link"),
        format!(
            "<{base}&page=1>; rel=\"prev\", <{base}&page=3>; rel=\"next\", <{base}&page=3>; rel=\"last\", \
             <{base}&page=1>; rel=\"first\""
        )
    );
    let third = sim.get(&second.link("next").unwrap()).await;
    assert_eq!(third.json().as_array().unwrap().len(), 20);
    assert_eq!(third.link("next"), None);
    assert_eq!(sim.get("/repos/acme/empty/issues").await.header("link"), "");
}

#[tokio::test]
async fn long_issue_lists_are_paged_by_cursor_only() {
    let options = Options {
        cursor_issues_above: 30,
        ..Options::new(recipe())
    };
    let sim = Sim::with(options).await;
    let refused = sim.get("/repos/acme/rich/issues?state=all&page=2").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let first = sim.get("/repos/acme/rich/issues?state=all").await;
    assert!(first.link("last").is_none() && first.link("next").unwrap().contains("after="));
    assert_eq!(
        sim.all("/repos/acme/rich/issues?state=all&sort=updated")
            .await
            .len(),
        60
    );
}

#[tokio::test]
async fn issues_are_sorted_and_cut_by_since() {
    let sim = Sim::start().await;
    let path = "/repos/acme/rich/issues?state=all&sort=updated&direction=asc";
    let all = sim.all(path).await;
    let updated = all
        .iter()
        .map(|issue| issue["updated_at"].as_str().unwrap())
        .collect::<Vec<_>>();
    assert!(updated.is_sorted());
    let since = updated[50];
    let later = sim.all(&format!("{path}&since={since}")).await;
    assert_eq!(
        later.len(),
        updated.iter().filter(|at| **at >= since).count()
    );
}

#[tokio::test]
async fn a_fresh_copy_is_answered_by_304_for_free() {
    let sim = Sim::start().await;
    let path = "/repos/acme/rich/labels";
    let first = sim.get(path).await;
    assert_eq!(first.header("x-ratelimit-used"), "1");
    let again = sim
        .get_as(
            Some("ann"),
            path,
            &[("if-none-match", first.header("etag"))],
        )
        .await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(again.header("x-ratelimit-used"), "1");
    assert_eq!(again.header("etag"), first.header("etag"));
    let other = sim
        .get_as(
            Some("ben"),
            path,
            &[("if-none-match", first.header("etag"))],
        )
        .await;
    assert_eq!(other.status, StatusCode::OK, "tags belong to a token");
    let dated = sim.get("/repos/acme/rich").await;
    let since = [("if-modified-since", dated.header("last-modified"))];
    let fresh = sim.get_as(Some("ben"), "/repos/acme/rich", &since).await;
    assert_eq!(fresh.status, StatusCode::NOT_MODIFIED, "dates do not");
    assert_eq!(sim.control().statistics().not_modified, 2);
}

#[tokio::test]
async fn an_anonymous_304_is_charged() {
    let sim = Sim::start().await;
    let first = sim.get_as(None, "/repos/acme/rich", &[]).await;
    let tag = first.header("etag").to_owned();
    let again = sim
        .get_as(None, "/repos/acme/rich", &[("if-none-match", &tag)])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert_eq!(again.header("x-ratelimit-used"), "2");
    assert_eq!(again.header("x-ratelimit-limit"), "60");
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_github() {
    let sim = Sim::start().await;
    let answer = sim.get("/repos/acme/rich").await;
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("x-github-media-type", "github.v3; format=json"),
        ("x-github-api-version-selected", "2022-11-28"),
        ("x-oauth-scopes", "repo, read:org, read:user"),
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "4999"),
        ("x-ratelimit-resource", "core"),
        ("cache-control", "private, max-age=60, s-maxage=60"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let missing = sim.get("/repos/acme/none").await;
    assert_eq!(missing.json()["status"], "404");
    assert_eq!(
        (missing.header("etag"), missing.header("x-ratelimit-used")),
        ("", "2")
    );
}

#[tokio::test]
async fn what_one_may_not_see_does_not_exist() {
    let sim = Sim::start().await;
    for login in [None, Some("eve")] {
        let answer = sim.get_as(login, "/repos/acme/secret", &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let names = sim.get_as(login, "/orgs/acme/repos", &[]).await.names();
        assert!(!names.contains(&"secret".to_owned()));
    }
    assert_eq!(sim.get("/repos/acme/secret").await.status, StatusCode::OK);
    assert_eq!(
        sim.get("/repos/acme/rich/hooks").await.status,
        StatusCode::OK
    );
    let hooks = sim.get_as(Some("ben"), "/repos/acme/rich/hooks", &[]).await;
    assert_eq!(hooks.status, StatusCode::NOT_FOUND, "hooks are for admins");
}

#[tokio::test]
async fn a_member_can_be_shown_some_repositories_only() {
    let narrow = UserRecipe {
        sees: Some(vec!["one".to_owned()]),
        ..UserRecipe::member("ann")
    };
    let private = |name| RepositoryRecipe {
        private: true,
        ..RepositoryRecipe::tiny(name)
    };
    let recipe = Recipe::named("acme", vec![private("one"), private("two")]).with_user(narrow);
    let sim = Sim::with(Options::new(recipe)).await;
    assert_eq!(sim.get("/orgs/acme/repos").await.names(), ["one"]);
    assert_eq!(
        sim.get("/repos/acme/two").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_used_up_window_refuses_until_the_clock_passes_its_end() {
    let recipe = recipe();
    let limits = Limits {
        user: Quota::both(3),
        window_seconds: 20,
        ..Limits::default()
    };
    let sim = Sim::with(Options {
        limits,
        ..Options::new(recipe)
    })
    .await;
    for remaining in ["2", "1", "0"] {
        assert_eq!(
            sim.get("/user").await.header("x-ratelimit-remaining"),
            remaining
        );
    }
    let refused = sim.get("/user").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("API rate limit exceeded for user ID "),
        "{message}"
    );
    assert_eq!(refused.header("x-ratelimit-used"), "4");
    assert_eq!(sim.get("/rate_limit").await.json()["rate"]["remaining"], 0);
    assert_eq!(
        sim.get_as(Some("ben"), "/user", &[]).await.status,
        StatusCode::OK
    );
    sim.control().advance(Duration::from_secs(21));
    assert_eq!(sim.get("/user").await.header("x-ratelimit-used"), "1");
    assert_eq!(sim.control().statistics().by_user["ann"].refused, 1);
}

#[tokio::test]
async fn two_tokens_of_one_user_share_a_quota() {
    let user = UserRecipe {
        more_tokens: 1,
        ..UserRecipe::member("ann")
    };
    let sim = Sim::with(Options::new(
        Recipe::organization("acme", 1, forge_sim::Profile::Tiny).with_user(user),
    ))
    .await;
    for (token, used) in sim.control().tokens("ann").iter().zip(["1", "2"]) {
        let url = format!("{}/user", sim.handle.api());
        let answer = sim
            .send(sim.client().get(url).bearer_auth(token))
            .await
            .unwrap();
        assert_eq!(answer.header("x-ratelimit-used"), used);
    }
}

#[tokio::test]
async fn the_rules_for_requests_are_kept() {
    let sim = Sim::start().await;
    let bad = sim
        .client()
        .get(format!("{}/user", sim.handle.api()))
        .bearer_auth("ghp_nothing");
    let bad = sim.send(bad).await.unwrap();
    assert_eq!(
        (bad.status, bad.json()["message"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("Bad credentials"))
    );
    let old = sim
        .get_as(
            Some("ann"),
            "/user",
            &[("x-github-api-version", "2001-01-01")],
        )
        .await;
    assert_eq!(old.status, StatusCode::BAD_REQUEST);
    let nameless = sim
        .get_as(Some("ann"), "/user", &[("user-agent", "")])
        .await;
    assert_eq!(nameless.status, StatusCode::FORBIDDEN);
    let basic = sim.client().get(format!("{}/user", sim.handle.api()));
    let basic = sim
        .send(basic.basic_auth("x", Some(sim.token("ann"))))
        .await
        .unwrap();
    assert_eq!(basic.json()["login"], "ann");
}

#[tokio::test]
async fn assets_come_from_another_host_that_wants_no_token() {
    let sim = Sim::start().await;
    let releases = sim.get("/repos/acme/rich/releases").await.json();
    let asset = &releases[0]["assets"][0];
    let url = asset["url"].as_str().unwrap();
    let bytes = [("accept", "application/octet-stream")];
    let found = sim.get_as(Some("ann"), url, &bytes).await;
    assert_eq!(found.status, StatusCode::FOUND);
    let location = found.header("location");
    assert!(location.starts_with(sim.handle.download()) && !location.starts_with(sim.handle.web()));
    let with_token = sim.get_as(Some("ann"), location, &[]).await;
    assert_eq!(with_token.status, StatusCode::BAD_REQUEST);
    let whole = sim.bytes(location, "bytes=0-").await;
    assert_eq!(Some(whole.len() as u64), asset["size"].as_u64());
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&whole)));
    assert_eq!(asset["digest"], digest);
    assert_eq!(sim.bytes(location, "bytes=70000-").await, whole[70_000..]);
    sim.control().advance(Duration::from_secs(301));
    assert_eq!(
        sim.get_as(None, location, &[]).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn too_many_requests_on_one_endpoint_are_slowed_down() {
    let limits = Limits {
        points_per_minute: 5,
        ..Limits::default()
    };
    let sim = Sim::with(Options {
        limits,
        ..Options::new(recipe())
    })
    .await;
    for _ in 0..5 {
        assert_eq!(sim.get("/meta").await.status, StatusCode::OK);
    }
    let refused = sim.get("/meta").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (StatusCode::FORBIDDEN, "60")
    );
    assert!(refused.text.contains("secondary rate limit"));
    assert_eq!(refused.header("x-ratelimit-limit"), "");
    sim.control().advance(Duration::from_secs(61));
    assert_eq!(sim.get("/meta").await.status, StatusCode::OK);
}

#[tokio::test]
async fn too_many_requests_at_the_same_time_are_slowed_down() {
    let limits = Limits {
        concurrency: 3,
        ..Limits::default()
    };
    let latency = Duration::from_millis(200);
    let options = Options {
        limits,
        latency,
        ..Options::new(recipe())
    };
    let sim = Sim::with(options).await;
    let all = futures_util::future::join_all((0..5).map(|_| sim.get("/user"))).await;
    let refused = all
        .iter()
        .filter(|answer| answer.status == StatusCode::FORBIDDEN);
    assert_eq!(refused.count(), 2);
    assert!(sim.control().statistics().max_in_flight >= 4);
    assert_eq!(sim.get("/user").await.status, StatusCode::OK);
}

#[tokio::test]
async fn people_and_forks_that_are_gone_leave_null_behind() {
    let sim = Sim::start().await;
    let comments = sim
        .all("/repos/acme/rich/issues/comments?per_page=100")
        .await;
    assert!(comments.iter().any(|comment| comment["user"].is_null()));
    let pulls = sim
        .all("/repos/acme/rich/pulls?state=all&per_page=100")
        .await;
    assert!(pulls.iter().any(|pull| pull["head"]["repo"].is_null()));
}
