//! Faults to order.

use std::time::Duration;

use forge_sim::{Cut, Effect, Fault, Mutation};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::Sim;

const PATH: &str = "/repos/acme/rich/labels";

#[tokio::test]
async fn answers_are_replaced_in_githubs_words() {
    let sim = Sim::start().await;
    let slow_down = |status, retry_after| Effect::SecondaryLimit {
        status,
        retry_after,
    };
    for (effect, status, words) in [
        (Effect::Status { status: 502 }, 502, "Server Error"),
        (Effect::Status { status: 404 }, 404, "Not Found"),
        (Effect::Status { status: 410 }, 410, "disabled"),
        (slow_down(403, Some(30)), 403, "secondary rate limit"),
        (slow_down(429, None), 429, "secondary rate limit"),
        (
            Effect::PrimaryLimit {
                status: 403,
                reset_in: 30,
            },
            403,
            "API rate limit exceeded for user ID",
        ),
        (Effect::BadCredentials, 401, "Bad credentials"),
        (
            Effect::ResourceNotAccessible,
            403,
            "Resource not accessible by personal access token",
        ),
        (Effect::SsoRequired, 403, "SAML"),
        (Effect::IpAllowList, 403, "IP allow list"),
        (
            Effect::ClassicTokensForbidden,
            403,
            "forbids access via a personal access token (classic)",
        ),
        (
            Effect::Blocked {
                reason: "dmca".to_owned(),
            },
            451,
            "\"reason\":\"dmca\"",
        ),
        (
            Effect::Blocked {
                reason: "tos".to_owned(),
            },
            403,
            "\"reason\":\"tos\"",
        ),
        (Effect::Html { status: 200 }, 200, "<!DOCTYPE html>"),
    ] {
        let shown = format!("{effect:?}");
        sim.control().clear_faults();
        sim.control().fault(Fault::new(PATH, effect).times(1));
        let hit = sim.get(PATH).await;
        assert_eq!(hit.status.as_u16(), status, "{shown}");
        assert!(hit.text.contains(words), "{shown}: {}", hit.text);
        assert_eq!(
            sim.get(PATH).await.status,
            StatusCode::OK,
            "{shown} is over"
        );
    }
    let statistics = sim.control().statistics();
    assert_eq!((statistics.faults, statistics.refused), (14, 3));
}

#[tokio::test]
async fn limits_tell_how_long() {
    let sim = Sim::start().await;
    let slow_down = Effect::SecondaryLimit {
        status: 403,
        retry_after: Some(7),
    };
    sim.control().fault(Fault::new(PATH, slow_down).times(1));
    let hit = sim.get(PATH).await;
    assert_eq!(
        (hit.header("retry-after"), hit.header("x-ratelimit-limit")),
        ("7", "")
    );
    let used_up = Effect::PrimaryLimit {
        status: 429,
        reset_in: 30,
    };
    sim.control().clear_faults();
    sim.control().fault(Fault::new(PATH, used_up));
    let hit = sim.get(PATH).await;
    assert_eq!(hit.header("x-ratelimit-remaining"), "0");
    let reset = hit.header("x-ratelimit-reset").parse::<i64>().unwrap();
    assert!((28..=31).contains(&(reset - sim.control().now().timestamp())));
}

#[tokio::test]
async fn bodies_are_cut() {
    let sim = Sim::start().await;
    for how in [Cut::Declared, Cut::Chunked, Cut::Reset] {
        sim.control().clear_faults();
        sim.control().fault(Fault::new(PATH, Effect::Cut { how }));
        assert!(sim.try_get(PATH).await.is_err(), "{how:?}");
    }
    sim.control().clear_faults();
    sim.control()
        .fault(Fault::new(PATH, Effect::Cut { how: Cut::Honest }));
    let half = sim.get(PATH).await;
    assert!(serde_json::from_str::<Value>(&half.text).is_err());
}

#[tokio::test]
async fn downloads_are_cut_in_half() {
    let sim = Sim::start().await;
    let releases = sim.get("/repos/acme/rich/releases").await.json();
    let url = releases[0]["assets"][0]["url"].as_str().unwrap().to_owned();
    let found = sim
        .get_as(Some("ann"), &url, &[("accept", "application/octet-stream")])
        .await;
    let location = found.header("location").to_owned();
    sim.control()
        .fault(Fault::new("/assets/*", Effect::Cut { how: Cut::Declared }).times(1));
    assert!(sim.send(sim.client().get(&location)).await.is_err());
    assert!(sim.send(sim.client().get(&location)).await.is_ok());
}

#[tokio::test]
async fn slow_answers_are_right_in_the_end() {
    let sim = Sim::start().await;
    let whole = sim.get(PATH).await.text;
    for effect in [
        Effect::Latency { milliseconds: 40 },
        Effect::SlowBody {
            pieces: 4,
            milliseconds: 10,
        },
    ] {
        sim.control().clear_faults();
        sim.control().fault(Fault::new(PATH, effect));
        let begun = tokio::time::Instant::now();
        assert_eq!(sim.get(PATH).await.text, whole);
        assert!(begun.elapsed() >= Duration::from_millis(39));
    }
}

#[tokio::test]
async fn graphql_answers_can_be_partial() {
    let sim = Sim::start().await;
    sim.control().fault(Fault::new(
        "/graphql",
        Effect::Partial {
            error: "FORBIDDEN".to_owned(),
            message: "no".to_owned(),
        },
    ));
    let answer = sim
        .query("{ a: viewer { login } b: viewer { login } }", json!({}))
        .await
        .json();
    assert_eq!(
        answer["data"],
        json!({ "a": { "login": "ann" }, "b": null })
    );
    assert_eq!(answer["errors"][0]["type"], "FORBIDDEN");
}

#[tokio::test]
async fn the_world_changes_between_two_requests() {
    let sim = Sim::start().await;
    let revoke = Mutation::RevokeTokens {
        login: "ann".to_owned(),
    };
    sim.control().fault(
        Fault::new("*", Effect::Mutate { mutation: revoke })
            .after(2)
            .times(1),
    );
    let url = format!("{}{PATH}", sim.handle.api());
    let token = sim.token("ann");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = sim
            .send(sim.client().get(&url).bearer_auth(&token))
            .await
            .unwrap();
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 401, 401]);
}

#[tokio::test]
async fn the_door_takes_the_same_orders_over_http() {
    let sim = Sim::start().await;
    let door = sim.handle.control_url();
    let order = json!({ "path": PATH, "count": 1, "effect": { "kind": "status", "status": 500 } });
    let ordered = sim
        .send(sim.client().post(format!("{door}/faults")).json(&order))
        .await
        .unwrap();
    assert_eq!(ordered.json()["id"], 1);
    assert_eq!(
        sim.get(PATH).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    let change = json!({ "kind": "add_issue", "repository": "acme/rich", "title": "new" });
    let changed = sim
        .send(sim.client().post(format!("{door}/mutate")).json(&change))
        .await
        .unwrap();
    assert_eq!(changed.json()["number"], 61);
    let unknown = json!({ "kind": "delete_repository", "repository": "acme/none" });
    let unknown = sim
        .send(sim.client().post(format!("{door}/mutate")).json(&unknown))
        .await
        .unwrap();
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let seconds = json!({ "seconds": 3600 });
    sim.send(sim.client().post(format!("{door}/advance")).json(&seconds))
        .await
        .unwrap();
    let statistics = sim
        .send(sim.client().get(format!("{door}/statistics")))
        .await
        .unwrap()
        .json();
    assert_eq!(
        (&statistics["requests"], &statistics["faults"]),
        (&json!(1), &json!(1))
    );
    let world = sim
        .send(sim.client().get(format!("{door}/world")))
        .await
        .unwrap()
        .json();
    assert_eq!(
        world["organizations"][0]["repositories"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert!(!world.to_string().contains(&sim.token("ann")));
    let cleared = sim
        .send(sim.client().delete(format!("{door}/faults")))
        .await
        .unwrap();
    assert_eq!(cleared.status, StatusCode::NO_CONTENT);
}
