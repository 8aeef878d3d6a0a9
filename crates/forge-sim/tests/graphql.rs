//! The GraphQL interface.

use forge_sim::{Limits, Options, Quota};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Sim, recipe};

const OVERVIEW: &str = r#"
query($login: String!, $first: Int!, $after: String) {
  rateLimit { cost remaining nodeCount }
  organization(login: $login) {
    repositories(first: $first, after: $after, orderBy: { field: NAME, direction: ASC }) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...summary }
    }
  }
}
fragment summary on Repository {
  databaseId name nameWithOwner owner { __typename login } isPrivate isFork isArchived isEmpty pushedAt visibility
  defaultBranchRef { name target { oid } }
  licenseInfo { key spdxId }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  open: issues(first: 1, orderBy: { field: UPDATED_AT, direction: DESC }, states: [OPEN]) { totalCount nodes { updatedAt } }
  pullRequests(first: 1, orderBy: { field: UPDATED_AT, direction: DESC }) { totalCount nodes { number updatedAt } }
  releases(first: 1, orderBy: { field: CREATED_AT, direction: DESC }) { totalCount nodes { tagName } }
  labels(first: 1) { totalCount }
  milestones(first: 1, orderBy: { field: UPDATED_AT, direction: DESC }) { totalCount nodes { updatedAt } }
  discussions(first: 1) { totalCount }
  refs(refPrefix: "refs/heads/", first: 1) { totalCount nodes { name target { oid } } }
}"#;

#[tokio::test]
async fn pages_of_repositories_hold_what_the_world_holds() {
    let sim = Sim::start().await;
    let mut nodes = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "login": "acme", "first": 2, "after": after });
        let answer = sim.query(OVERVIEW, variables).await.json();
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        let page = &answer["data"]["organization"]["repositories"];
        assert_eq!(page["totalCount"], 5);
        nodes.extend(page["nodes"].as_array().unwrap().clone());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let names = nodes
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect::<Vec<_>>();
    assert_eq!(names, ["archived", "empty", "fork", "rich", "secret"]);
    let world = sim.control().world();
    let rich = world.repository("acme/rich").unwrap();
    let shown = &nodes[3];
    assert_eq!(shown["databaseId"], rich.id);
    assert_eq!(
        shown["owner"],
        json!({ "__typename": "Organization", "login": "acme" })
    );
    assert_eq!(
        shown["defaultBranchRef"]["target"]["oid"],
        rich.refs["refs/heads/main"].as_str()
    );
    assert_eq!(shown["pullRequests"]["totalCount"], rich.counts.pulls);
    assert_eq!(shown["labels"]["totalCount"], rich.counts.labels);
    assert_eq!(nodes[1]["isEmpty"], true);
    assert_eq!(nodes[1]["defaultBranchRef"], Value::Null);
}

#[tokio::test]
async fn reviews_come_with_their_pull_requests() {
    let sim = Sim::start().await;
    let query = r#"{ repository(owner: "acme", name: "rich") { pullRequests(first: 50) { nodes { number
        reviews(first: 50) { totalCount nodes { fullDatabaseId state author { login } commit { oid } url } } } } } }"#;
    let answer = sim.query(query, json!({})).await.json();
    let pulls = answer["data"]["repository"]["pullRequests"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(pulls.len(), 20);
    let number = &pulls[0]["number"];
    let rest = sim
        .get(&format!("/repos/acme/rich/pulls/{number}/reviews"))
        .await
        .json();
    let review = &pulls[0]["reviews"]["nodes"][0];
    assert_eq!(review["fullDatabaseId"], rest[0]["id"].to_string());
    assert_eq!(review["author"]["login"], rest[0]["user"]["login"]);
    assert_eq!(review["commit"]["oid"], rest[0]["commit_id"]);
}

#[tokio::test]
async fn points_are_charged_and_run_out() {
    let limits = Limits {
        user: Quota {
            core: 100,
            graphql: 2,
        },
        ..Limits::default()
    };
    let sim = Sim::with(Options {
        limits,
        ..Options::new(recipe())
    })
    .await;
    let first = sim
        .query("{ rateLimit { limit used remaining cost } }", json!({}))
        .await;
    assert_eq!(
        first.json()["data"]["rateLimit"],
        json!({ "limit": 2, "used": 1, "remaining": 1, "cost": 1 })
    );
    assert_eq!(first.header("x-ratelimit-resource"), "graphql");
    sim.query("{ viewer { login } }", json!({})).await;
    let refused = sim.query("{ viewer { login } }", json!({})).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert_eq!(refused.json()["errors"][0]["type"], "RATE_LIMIT");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(
        sim.get("/user").await.status,
        StatusCode::OK,
        "REST has its own counter"
    );
}

#[tokio::test]
async fn what_cannot_be_found_is_null_beside_an_error() {
    let sim = Sim::start().await;
    let query = r#"{ viewer { login } gone: repository(owner: "acme", name: "gone") { id } }"#;
    let answer = sim.query(query, json!({})).await.json();
    assert_eq!(
        answer["data"],
        json!({ "viewer": { "login": "ann" }, "gone": null })
    );
    let error = &answer["errors"][0];
    assert_eq!(error["type"], "NOT_FOUND");
    assert_eq!(error["path"], json!(["gone"]));
    assert_eq!(
        error["message"],
        "Could not resolve to a Repository with the name 'acme/gone'."
    );
}

#[tokio::test]
async fn queries_that_make_no_sense_have_no_data() {
    let sim = Sim::start().await;
    for (query, kind) in [
        ("{ viewer { nonsense } }", None),
        ("{ viewer {", None),
        (
            "{ viewer { repositories { nodes { name } } } }",
            Some("MISSING_PAGINATION_BOUNDARIES"),
        ),
        (
            "{ viewer { repositories(first: 101) { nodes { name } } } }",
            Some("EXCESSIVE_PAGINATION"),
        ),
    ] {
        let answer = sim.query(query, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK);
        let body = answer.json();
        assert_eq!(body["data"], Value::Null, "{query}");
        assert_eq!(body["errors"][0]["type"].as_str(), kind, "{query}");
    }
}

#[tokio::test]
async fn nodes_are_found_by_the_ids_that_rest_tells() {
    let sim = Sim::start().await;
    for path in [
        "/repos/acme/rich",
        "/repos/acme/rich/pulls/3",
        "/repos/acme/rich/issues/1",
        "/users/ben",
    ] {
        let id = sim.get(path).await.json()["node_id"].clone();
        let answer = sim
            .query(
                "query($id: ID!) { node(id: $id) { id __typename } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(
            answer.json()["data"]["node"]["id"],
            id,
            "{path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn graphql_wants_a_token() {
    let sim = Sim::start().await;
    let request = sim
        .client()
        .post(sim.handle.graphql())
        .json(&json!({ "query": "{ viewer { login } }" }));
    assert_eq!(
        sim.send(request).await.unwrap().status,
        StatusCode::UNAUTHORIZED
    );
}
