//! Every REST answer against GitHub's published description: required keys, types, and no key that GitHub does not know.

use std::collections::BTreeSet;

use forge_sim::{Mutation, Options};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::assets;
use crate::harness::{Sim, recipe};
use schema::Description;

pub(crate) mod schema;

/// Routes that GitHub serves without describing them, and why that is known.
const UNDESCRIBED: &[(&str, &str)] = &[
    (
        "/user/{account_id}/repos",
        "what Link of /users/{username}/repos leads to",
    ),
    (
        "/organizations/{org}/repos",
        "what Link of /orgs/{org}/repos leads to",
    ),
];

/// What GitHub sends against its own description, and why that is known.
const UNDERSTATED: &[(&str, &str)] = &[
    (
        "/labels/N/description: null is not of type \"string\"",
        "the label schema itself says nullable, only its copy in pull requests does not",
    ),
    (
        "/head/repo: null is not of type \"object\"",
        "null once the fork is deleted: github/rest-api-description#1811",
    ),
];

/// Keys that GitHub sends without describing them, and why that is known.
const UNDESCRIBED_KEYS: &[(&str, &str)] = &[(
    "/meta .installed_version",
    "the description of Enterprise Server 3.19 has it, as its hosts do",
)];

/// A path for every route: the rich world has something to show on each.
fn examples(sim: &Sim) -> Vec<(&'static str, String)> {
    let rich = "/repos/acme/rich";
    let (repository, issue, pull, comment, release, asset, account) =
        sim.control().with_world(|world| {
            let repository = world.repository("acme", "rich").unwrap();
            let issue = repository.plain_issues().next().unwrap();
            let pull = repository.pulls().next().unwrap();
            let release = &repository.releases[0];
            (
                repository.id,
                issue.number,
                pull.number,
                issue.comments[0].id,
                release.id,
                release.assets[0].id,
                world.account("ann").unwrap().id,
            )
        });
    let acme = sim.control().world().organizations[0].id;
    let mut examples = Vec::new();
    for template in forge_sim::rest::templates() {
        let path = template
            .replace("/repos/{owner}/{repo}", rich)
            .replace("{username}", "ann")
            .replace("{account_id}", &account.to_string())
            .replace("/organizations/{org}", &format!("/organizations/{acme}"))
            .replace("{org}", "acme")
            .replace("{name}", "bug")
            .replace("{milestone_number}", "1")
            .replace("{comment_id}", &comment.to_string())
            .replace("{issue_number}", &issue.to_string())
            .replace("{pull_number}", &pull.to_string())
            .replace("{asset_id}", &asset.to_string())
            .replace("{tag}", "v0.1.0")
            .replace("{release_id}", &release.to_string());
        assert!(!path.contains('{'), "{template} needs an example");
        let all = if path.ends_with('s') && !path.contains('?') {
            "?state=all&per_page=100"
        } else {
            ""
        };
        examples.push((template, format!("{path}{all}")));
    }
    examples.push((
        "/repos/{owner}/{repo}",
        format!("/repositories/{repository}"),
    ));
    examples.push((
        "/repos/{owner}/{repo}/issues/{issue_number}",
        format!("{rich}/issues/{pull}"),
    ));
    for name in ["secret", "empty", "archived", "fork"] {
        examples.push(("/repos/{owner}/{repo}", format!("/repos/acme/{name}")));
    }
    examples.push(("/users/{username}", "/users/acme".to_owned()));
    examples
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let description =
        Description::open(&assets::npm("@octokit/openapi").join("generated/api.github.com.json"));
    let sim = Sim::with(Options::new(recipe())).await;
    let mut problems = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let mut validated = 0;
    for (template, path) in examples(&sim) {
        for login in ["ann", "ben"] {
            let answer = sim.get_as(Some(login), &path, &[]).await;
            let hidden = login == "ben" && path.ends_with("/hooks?state=all&per_page=100");
            let expected = if hidden {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::OK
            };
            assert_eq!(
                answer.status, expected,
                "{path} as {login}: {}",
                answer.text
            );
            let body = answer.json();
            let Some(schema) = description.response(template, answer.status.as_u16()) else {
                let known = UNDESCRIBED.iter().any(|(route, _)| *route == template);
                assert!(known, "GitHub does not describe {template}");
                continue;
            };
            validated += 1;
            let found = description.problems(&schema, &body);
            problems
                .extend(found.map(|problem| format!("{template}: {}", without_indexes(&problem))));
            unknown.extend(
                description
                    .unknown_keys(&schema, &body)
                    .into_iter()
                    .map(|key| format!("{template} {key}")),
            );
        }
    }
    unknown.retain(|key| {
        !UNDESCRIBED_KEYS
            .iter()
            .any(|(known, _)| key.ends_with(known))
    });
    problems.retain(|problem| {
        !UNDERSTATED
            .iter()
            .any(|(known, _)| problem.ends_with(known))
    });
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(unknown.is_empty(), "keys unknown to GitHub: {unknown:#?}");
    assert!(validated >= 100, "only {validated} answers were validated");
}

/// The same problem at every place of a list is one problem.
fn without_indexes(problem: &str) -> String {
    let (place, rest) = problem.split_once(": ").unwrap();
    let place = place.split('/').map(|part| {
        if part.parse::<usize>().is_ok() {
            "N"
        } else {
            part
        }
    });
    format!("{}: {rest}", place.collect::<Vec<_>>().join("/"))
}

#[tokio::test]
async fn errors_are_as_described() {
    let description =
        Description::open(&assets::npm("@octokit/openapi").join("generated/api.github.com.json"));
    let sim = Sim::with(Options::new(recipe())).await;
    let rich = "acme/rich".to_owned();
    sim.control()
        .mutate(&Mutation::DeleteIssue {
            repository: rich,
            number: 1,
        })
        .unwrap();
    for (template, path, status) in [
        ("/repos/{owner}/{repo}", "/repos/acme/none", 404),
        ("/orgs/{org}", "/orgs/none", 404),
        (
            "/repos/{owner}/{repo}/issues/{issue_number}",
            "/repos/acme/rich/issues/1",
            410,
        ),
        (
            "/repos/{owner}/{repo}/releases/{release_id}",
            "/repos/acme/rich/releases/1",
            404,
        ),
    ] {
        let answer = sim.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let schema = description
            .response(template, status)
            .unwrap_or_else(|| json!({ "$ref": "#/components/schemas/basic-error" }));
        let body: Value = answer.json();
        let problems = description.problems(&schema, &body).collect::<Vec<_>>();
        assert!(problems.is_empty(), "{path}: {problems:?}");
    }
}
