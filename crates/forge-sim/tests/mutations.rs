//! Changes to a running world, seen through the interfaces.

use std::time::Duration;

use forge_sim::{Mutation, RepositoryRecipe};
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::Sim;

fn rich() -> String {
    "acme/rich".to_owned()
}

#[tokio::test]
async fn a_renamed_repository_redirects_to_its_number() {
    let sim = Sim::start().await;
    let id = sim.control().world().repository("acme/rich").unwrap().id;
    let rename = Mutation::RenameRepository {
        repository: rich(),
        name: "poor".to_owned(),
    };
    sim.control().mutate(&rename).unwrap();
    let moved = sim.get("/repos/acme/rich/issues").await;
    let target = format!("{}/repositories/{id}/issues", sim.handle.api());
    assert_eq!(moved.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(
        (moved.header("location"), moved.json()["url"].as_str()),
        (target.as_str(), Some(target.as_str()))
    );
    assert_eq!(sim.get(&target).await.status, StatusCode::OK);
    let recipe = RepositoryRecipe::tiny("rich");
    let create = Mutation::CreateRepository {
        owner: "acme".to_owned(),
        recipe,
    };
    let new_id = sim.control().mutate(&create).unwrap().id.unwrap();
    assert_eq!(
        sim.get("/repos/acme/rich").await.json()["id"],
        new_id,
        "the name has a new owner"
    );
}

#[tokio::test]
async fn blocked_emptied_and_deleted_repositories_say_so() {
    let sim = Sim::start().await;
    let block = |reason: Option<&str>| Mutation::BlockRepository {
        repository: rich(),
        reason: reason.map(str::to_owned),
    };
    sim.control().mutate(&block(Some("dmca"))).unwrap();
    let blocked = sim.get("/repos/acme/rich").await;
    assert_eq!(
        (blocked.status.as_u16(), &blocked.json()["block"]["reason"]),
        (451, &Value::from("dmca"))
    );
    assert!(
        sim.get("/orgs/acme/repos")
            .await
            .names()
            .contains(&"rich".to_owned()),
        "it is still listed"
    );
    sim.control().mutate(&block(None)).unwrap();
    sim.control()
        .mutate(&Mutation::EmptyRepository { repository: rich() })
        .unwrap();
    assert_eq!(sim.get("/repos/acme/rich/branches").await.text, "[]");
    sim.control()
        .mutate(&Mutation::DeleteRepository { repository: rich() })
        .unwrap();
    assert_eq!(
        sim.get("/repos/acme/rich").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn conversations_go_on() {
    let sim = Sim::start().await;
    let control = sim.control();
    control.advance(Duration::from_mins(1));
    let before = control.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let comment = Mutation::AddComment {
        repository: rich(),
        number: 1,
        body: "more".to_owned(),
    };
    let id = control.mutate(&comment).unwrap().id.unwrap();
    let since = format!("/repos/acme/rich/issues?state=all&since={before}");
    assert_eq!(sim.get(&since).await.json()[0]["number"], 1);
    control.advance(Duration::from_mins(1));
    let edit = Mutation::EditComment {
        repository: rich(),
        id,
        body: "changed".to_owned(),
    };
    control.mutate(&edit).unwrap();
    let shown = sim
        .get(&format!("/repos/acme/rich/issues/comments/{id}"))
        .await
        .json();
    assert_eq!(shown["body"], "changed");
    assert!(shown["updated_at"].as_str() > shown["created_at"].as_str());
    control
        .mutate(&Mutation::DeleteComment {
            repository: rich(),
            id,
        })
        .unwrap();
    let gone = sim
        .get(&format!("/repos/acme/rich/issues/comments/{id}"))
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    control
        .mutate(&Mutation::DeleteIssue {
            repository: rich(),
            number: 1,
        })
        .unwrap();
    assert_eq!(
        sim.get("/repos/acme/rich/issues/1").await.status,
        StatusCode::GONE
    );
}

#[tokio::test]
async fn pull_requests_releases_and_labels_are_made() {
    let sim = Sim::start().await;
    let control = sim.control();
    let opened = control
        .mutate(&Mutation::AddPull {
            repository: rich(),
            title: "t".to_owned(),
        })
        .unwrap();
    let number = opened.number.unwrap();
    let review = Mutation::AddReview {
        repository: rich(),
        number,
        body: "fine".to_owned(),
        state: forge_sim::world::ReviewState::Approved,
    };
    control.mutate(&review).unwrap();
    let line = Mutation::AddReviewComment {
        repository: rich(),
        number,
        body: "here".to_owned(),
    };
    control.mutate(&line).unwrap();
    let pull = sim
        .get(&format!("/repos/acme/rich/pulls/{number}"))
        .await
        .json();
    assert_eq!(pull["head"]["sha"], opened.sha.unwrap());
    assert_eq!(pull["review_comments"], 1);
    let commits = sim
        .get(&format!("/repos/acme/rich/pulls/{number}/commits"))
        .await
        .json();
    assert_eq!(commits[0]["sha"], pull["head"]["sha"]);
    let release = Mutation::AddRelease {
        repository: rich(),
        tag: "v9".to_owned(),
        assets: 1,
        asset_bytes: 5,
    };
    control.mutate(&release).unwrap();
    let shown = sim.get("/repos/acme/rich/releases/tags/v9").await.json();
    assert_eq!(shown["assets"][0]["size"], 5);
    assert!(
        sim.get("/repos/acme/rich/tags")
            .await
            .names()
            .contains(&"v9".to_owned())
    );
    control
        .mutate(&Mutation::AddLabel {
            repository: rich(),
            name: "a/b c".to_owned(),
        })
        .unwrap();
    let label = sim.get("/repos/acme/rich/labels/a%2Fb%20c").await.json();
    assert_eq!(
        sim.get(label["url"].as_str().unwrap()).await.json()["name"],
        "a/b c"
    );
    control
        .mutate(&Mutation::PushWiki {
            repository: "acme/secret".to_owned(),
        })
        .unwrap();
    assert!(
        control
            .world()
            .repository("acme/secret")
            .unwrap()
            .wiki_refs
            .is_some()
    );
}

#[tokio::test]
async fn labels_releases_and_settings_are_edited() {
    let sim = Sim::start().await;
    let control = sim.control();
    let edit = Mutation::EditLabel {
        repository: rich(),
        name: "bug".to_owned(),
        new_name: Some("defect".to_owned()),
        color: None,
    };
    control.mutate(&edit).unwrap();
    assert!(
        sim.get("/repos/acme/rich/labels?per_page=100")
            .await
            .names()
            .contains(&"defect".to_owned())
    );
    let delete = Mutation::DeleteLabel {
        repository: rich(),
        name: "defect".to_owned(),
    };
    control.mutate(&delete).unwrap();
    assert_eq!(
        sim.get("/repos/acme/rich/labels/defect").await.status,
        StatusCode::NOT_FOUND
    );
    let edit = Mutation::EditRelease {
        repository: rich(),
        tag: "v0.1.0".to_owned(),
        body: "notes".to_owned(),
    };
    control.mutate(&edit).unwrap();
    let release = sim
        .get("/repos/acme/rich/releases/tags/v0.1.0")
        .await
        .json();
    assert_eq!(release["body"], "notes");
    let delete = Mutation::DeleteRelease {
        repository: rich(),
        tag: "v0.1.0".to_owned(),
    };
    control.mutate(&delete).unwrap();
    assert_eq!(sim.all("/repos/acme/rich/releases").await.len(), 2);
    let settings = Mutation::EditRepository {
        repository: rich(),
        description: Some("new".to_owned()),
        private: Some(true),
        archived: Some(true),
        has_issues: Some(false),
        topics: Some(vec!["one".to_owned()]),
    };
    control.mutate(&settings).unwrap();
    let shown = sim.get("/repos/acme/rich").await.json();
    assert_eq!(
        (&shown["description"], &shown["visibility"]),
        (&"new".into(), &"private".into())
    );
    assert_eq!(
        sim.get("/repos/acme/rich/issues").await.status,
        StatusCode::GONE
    );
    let stranger = sim.get_as(Some("eve"), "/repos/acme/rich", &[]).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn members_come_and_go_and_see_more_or_less() {
    let sim = Sim::start().await;
    let control = sim.control();
    let secret = "/repos/acme/secret";
    let visible = |repositories: Option<&[&str]>| Mutation::SetVisible {
        login: "ann".to_owned(),
        repositories: repositories.map(|names| names.iter().map(ToString::to_string).collect()),
    };
    control.mutate(&visible(Some(&[]))).unwrap();
    assert_eq!(sim.get(secret).await.status, StatusCode::NOT_FOUND);
    control.mutate(&visible(None)).unwrap();
    assert_eq!(sim.get(secret).await.status, StatusCode::OK);
    control
        .mutate(&Mutation::RemoveMember {
            login: "ann".to_owned(),
        })
        .unwrap();
    assert_eq!(sim.get(secret).await.status, StatusCode::NOT_FOUND);
    control.set_quota("ann", forge_sim::Quota::both(9)).unwrap();
    assert_eq!(control.counters("ann").unwrap().core.limit, 9);
}
