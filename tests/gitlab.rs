//! A GitLab group, from the command line: backed up, and a project of it brought back to another group.

use std::collections::BTreeMap;

use forge_sim::gitlab::{
    self, Answer as Instead, Control, Fault, Handle, Limits, ProjectRecipe, Recipe, UserRecipe,
};
use serde_json::{Value, json};

use crate::world::World;
use crate::world::gitlab::GROUP;

const SOURCE: &str = "acme/sub/rich";
const COPY: &str = "acme/restored/rich";

/// A world whose plan `groups` has backed a GitLab group up.
struct Site {
    world: World,
    gitlab: Handle,
    snapshot: String,
}

async fn backed_up() -> Site {
    let recipe = Recipe::group("acme", 1)
        .with_project(ProjectRecipe {
            issues: 7,
            ..ProjectRecipe::rich("sub/rich")
        })
        .with_project(ProjectRecipe::tiny("restored/other"))
        .with_user(UserRecipe::member("backup"))
        .with_user(UserRecipe::member("writer").with_scopes(&["api", "write_repository"]));
    let gitlab = gitlab::start(gitlab::Options {
        limits: Limits::api(5_000, 60),
        ..gitlab::Options::new(recipe)
    })
    .await
    .unwrap();
    let world = World::registered(json!({"repositories": [{"name": "one", "commits": 1}]})).await;
    world.register_group(&gitlab, &["backup"]).await;
    world
        .call(&[
            "plan",
            "add",
            "groups",
            "--organization",
            GROUP,
            "--repositories",
            "all",
            "--storage",
            "disk",
        ])
        .await
        .expect(0);
    world
        .call(&["run", "groups", "--here", "--wait"])
        .await
        .expect(0);
    let snapshots = world.snapshots().await;
    let snapshot = snapshots
        .iter()
        .find(|one| one["repository"] == SOURCE)
        .and_then(|one| one["snapshot"].as_str())
        .unwrap_or_else(|| panic!("{snapshots:#?}"))
        .to_owned();
    Site {
        world,
        gitlab,
        snapshot,
    }
}

impl Site {
    /// Brings the project back; the exit code that is expected, and the answer.
    async fn restore(&self, more: &[&str], code: i32) -> Value {
        let token = self.world.token_of(&self.gitlab, "writer");
        let mut arguments = vec![
            "restore",
            self.snapshot.as_str(),
            "--to-gitlab",
            self.gitlab.web(),
            "--group",
            "acme/restored",
            "--token-file",
            &token,
        ];
        arguments.extend(more);
        self.world.call(&arguments).await.expect(code).json()
    }

    fn control(&self) -> Control {
        self.gitlab.control()
    }

    /// What the API lets one write, of a project.
    fn written(&self, project: &str) -> Value {
        let pick = |row: &Value, names: &[&str]| -> Value {
            names
                .iter()
                .map(|name| ((*name).to_owned(), row[*name].clone()))
                .collect()
        };
        self.control().with_world(|world| {
            let project = world.project(project).unwrap();
            let rows = |list: &str, names: &[&str]| -> Vec<Value> {
                let rows = project.lists.get(list).into_iter().flatten();
                let mut rows: Vec<Value> = rows.map(|row| pick(row, names)).collect();
                rows.sort_by_key(Value::to_string);
                rows
            };
            let issues: Vec<Value> = project
                .issues
                .values()
                .map(|issue| {
                    let fields = [
                        "iid",
                        "title",
                        "description",
                        "state",
                        "labels",
                        "created_at",
                    ];
                    let notes = issue.discussions.iter().flat_map(|thread| &thread.notes);
                    let notes: Vec<Value> = notes
                        .map(|note| pick(note, &["body", "created_at"]))
                        .collect();
                    json!({ "issue": pick(&issue.fields, &fields), "notes": notes })
                })
                .collect();
            json!({
                "description": project.description,
                "default_branch": project.default_branch,
                "visibility": project.visibility,
                "labels": rows("labels", &["name", "color", "description"]),
                "milestones": rows("milestones", &["title", "description", "state"]),
                "releases": rows("releases", &["tag_name", "name", "description", "released_at"]),
                "issues": issues,
            })
        })
    }

    /// Branches and tags.
    fn references(&self, project: &str) -> BTreeMap<String, String> {
        let mut all = self.control().references(project);
        all.retain(|name, _| !name.starts_with("refs/merge-requests/"));
        all
    }
}

#[tokio::test]
async fn a_restored_project_equals_its_source_and_a_second_time_makes_nothing() {
    let site = backed_up().await;
    let plan = site.restore(&[], 0).await;
    assert_eq!(plan["writes"]["issues"], 7, "{plan:#}");
    assert_eq!(plan["writes"]["issue_comments"], 14, "{plan:#}");
    for word in ["merge requests", "2 objects of Git LFS"] {
        assert!(plan["stays"].to_string().contains(word), "{plan:#}");
    }
    let exists = site
        .control()
        .with_world(|world| world.project(COPY).is_some());
    assert!(!exists, "what would be done was done");

    let first = site.restore(&["--yes"], 0).await;
    assert_eq!(first["made"]["issues"], 7, "{first:#}");
    let has_lfs = |project| {
        let world = site.control();
        world.with_world(|world| world.project(project).unwrap().lfs_enabled)
    };
    assert!(has_lfs(SOURCE) && !has_lfs(COPY));
    assert_eq!(site.written(COPY), site.written(SOURCE));
    assert_eq!(site.references(COPY), site.references(SOURCE));
    let second = site.restore(&["--yes"], 0).await;
    assert_eq!(second["made"].get("issues"), None, "{second:#}");
    assert_eq!(second["found"]["issue_comments"], 14, "{second:#}");
    assert_eq!(site.written(COPY), site.written(SOURCE));
    assert_eq!(site.control().log().refused(), 0);
    site.world.finish().await;
}

#[tokio::test]
async fn a_restore_that_was_interrupted_goes_on_and_makes_nothing_twice() {
    let site = backed_up().await;
    site.control().fault(Fault {
        path: "/issues/4/notes".to_owned(),
        times: 1,
        answer: Instead::Proxy { status: 502 },
    });
    site.restore(&["--yes"], 1).await;
    assert_ne!(site.written(COPY), site.written(SOURCE));
    site.restore(&["--yes"], 0).await;
    assert_eq!(site.written(COPY), site.written(SOURCE));
    site.world.finish().await;
}

#[tokio::test]
async fn a_project_that_holds_something_else_is_left_as_it_is() {
    let site = backed_up().await;
    let before = site.control().references("acme/restored/other");
    let refused = site.restore(&["--name", "other", "--yes"], 1).await;
    assert!(
        refused.to_string().contains("nothing is overwritten"),
        "{refused:#}"
    );
    assert_eq!(site.control().references("acme/restored/other"), before);
    site.world.finish().await;
}
