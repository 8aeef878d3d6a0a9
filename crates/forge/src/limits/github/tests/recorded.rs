//! Real answers of github.com, recorded by Octokit (npm `@octokit/fixtures`).

use std::path::PathBuf;

use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::test_assets;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    scope: String,
    method: String,
    path: String,
    status: u16,
    response: Value,
    #[serde(default)]
    raw_headers: Vec<String>,
}

impl Recorded {
    fn headers(&self) -> HeaderMap {
        let pairs = self.raw_headers.chunks_exact(2);
        pairs
            .map(|pair| {
                let name = HeaderName::try_from(pair[0].as_str()).unwrap();
                (name, HeaderValue::try_from(pair[1].as_str()).unwrap())
            })
            .collect()
    }

    fn is_api_read(&self) -> bool {
        self.scope.starts_with("https://api.github.com") && self.method.eq_ignore_ascii_case("get")
    }
}

fn scenarios() -> Vec<(String, Vec<Recorded>)> {
    let folder = test_assets("npm/node_modules/@octokit/fixtures/scenarios/api.github.com");
    let mut scenarios: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    scenarios.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(path.join("raw-fixture.json")).ok()?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some((name, serde_json::from_str(&text).unwrap()))
    };
    scenarios.into_iter().filter_map(read).collect()
}

#[test]
fn every_recorded_answer_is_judged_by_its_status() {
    let mut reads = 0;
    for (name, answers) in scenarios() {
        for recorded in answers.iter().filter(|answer| answer.is_api_read()) {
            let headers = recorded.headers();
            let body = recorded.response.as_str().map_or_else(
                || recorded.response.to_string().into_bytes(),
                |text| text.as_bytes().to_vec(),
            );
            let answer = Answer {
                forge: ForgeKind::GitHub,
                endpoint: "",
                dialect: Dialect::Rest,
                status: StatusCode::from_u16(recorded.status).unwrap(),
                headers: &headers,
                body: &body,
            };
            let judgement = judge(&answer, at_once(now()));
            let is_as_expected = match recorded.status {
                200 | 204 => judgement == Judgement::Fine,
                301 | 302 => matches!(judgement, Judgement::Moved { .. }),
                404 => matches!(judgement, Judgement::Missing { .. }),
                _ => false,
            };
            assert!(
                is_as_expected,
                "{name}: {} {} {judgement:?}",
                recorded.status, recorded.path
            );
            if recorded.status == 200 {
                let date = headers::text(&headers, "date").unwrap();
                let date = DateTime::parse_from_rfc2822(date)
                    .unwrap()
                    .with_timezone(&Utc);
                let (resource, reading) = headers::reading(&headers, at_once(date)).unwrap();
                assert!(reading.remaining < reading.limit, "{name}");
                assert!(reading.reset_at > date, "{name}");
                assert!(
                    matches!(resource.0.as_str(), "core" | "search"),
                    "{name}: {resource}"
                );
            }
            reads += 1;
        }
    }
    assert!(reads >= 20, "{reads} recorded answers");
}

#[test]
fn the_recorded_links_lead_through_all_pages() {
    let (_, answers) = scenarios()
        .into_iter()
        .find(|(name, _)| name == "paginate-issues")
        .unwrap();
    let pages: Vec<_> = answers
        .iter()
        .filter(|answer| answer.path.contains("/issues?per_page=3"))
        .collect();
    assert_eq!(pages.len(), 5);
    for pair in pages.windows(2) {
        let headers = pair[0].headers();
        let next = headers::next_page(&headers).unwrap();
        assert_eq!(
            next.strip_prefix("https://api.github.com"),
            Some(pair[1].path.as_str())
        );
    }
    assert_eq!(headers::next_page(&pages[4].headers()), None);
}

#[test]
fn recorded_items_have_keys_and_dates() {
    let kinds = [
        ("paginate-issues", "/issues?", domain::Kind::Issues),
        ("labels", "/labels", domain::Kind::Labels),
    ];
    let all = scenarios();
    for (scenario, path, kind) in kinds {
        let collection = crate::content::collection(ForgeKind::GitHub, kind).unwrap();
        let (_, answers) = all.iter().find(|(name, _)| name == scenario).unwrap();
        let lists = answers
            .iter()
            .filter(|answer| answer.is_api_read() && answer.path.contains(path));
        let items: Vec<&Value> = lists
            .filter_map(|answer| answer.response.as_array())
            .flatten()
            .collect();
        assert!(!items.is_empty(), "{scenario}");
        for item in items {
            assert!((collection.key)(item).is_some(), "{scenario}: {item}");
            assert_eq!(
                (collection.updated_at)(item).is_some(),
                kind == domain::Kind::Issues,
                "{scenario}"
            );
        }
    }
}
