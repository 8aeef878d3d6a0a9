//! Makes a world from a recipe.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Value, json};

use super::recipe::{ProjectRecipe, Recipe};
use super::world::{Discussion, Group, Item, Project, Token, User, World};
use crate::error::Error;
use crate::git::history;
use crate::git::sketch::Sketch;
use crate::seed::words;
use crate::world::Content;

/// What every project may have switched off.
const FEATURES: [&str; 7] = [
    "issues_access_level",
    "merge_requests_access_level",
    "snippets_access_level",
    "wiki_access_level",
    "builds_access_level",
    "releases_access_level",
    "repository_access_level",
];

/// When everything was made: worlds do not depend on the day.
pub(super) fn epoch() -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800, 0).unwrap_or_default()
}

/// An instant as GitLab writes it.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A new world whose git repositories lie under `root`.
pub(super) fn grow(recipe: &Recipe, root: &Path, now: DateTime<Utc>) -> Result<World, Error> {
    let mut world = World::default();
    world.premium = recipe.premium;
    let top = add_group(&mut world, None, &recipe.group);
    let mut random = fastrand::Rng::with_seed(recipe.seed);
    for user in &recipe.users {
        let id = world.next_id();
        world.users.insert(
            id,
            User {
                id,
                username: user.username.clone(),
                bot: user.bot,
            },
        );
        if user.access_level > 0
            && let Some(group) = world.groups.get_mut(&top)
        {
            group.members.insert(id, user.access_level);
        }
        for token in &user.tokens {
            let end = token.expires_in_days.and_then(|days| {
                now.date_naive()
                    .checked_add_days(Days::new(u64::try_from(days).ok()?))
            });
            let number = world.next_id();
            world.tokens.push(Token {
                id: number,
                value: fresh_token(&mut random),
                user: id,
                scopes: token.scopes.clone(),
                expires_at: end,
                revoked: false,
                family: number,
                grant: None,
            });
        }
    }
    if let Some(group) = world.groups.get_mut(&top) {
        group.lists = group_lists(top);
    }
    let made_up =
        (0..recipe.projects).map(|index| ProjectRecipe::tiny(&format!("project-{index:03}")));
    for project in made_up.chain(recipe.named.iter().cloned()) {
        add_project(&mut world, top, &project, recipe.seed, root)?;
    }
    Ok(world)
}

/// A token that was never seen before.
pub(super) fn fresh_token(random: &mut fastrand::Rng) -> String {
    let text: String = std::iter::repeat_with(|| random.alphanumeric())
        .take(20)
        .collect();
    format!("glpat-{text}")
}

pub(super) fn add_group(world: &mut World, parent: Option<u64>, path: &str) -> u64 {
    let id = world.next_id();
    world.groups.insert(
        id,
        Group {
            id,
            parent,
            path: path.to_owned(),
            members: BTreeMap::new(),
            lists: BTreeMap::new(),
        },
    );
    id
}

fn group_lists(id: u64) -> BTreeMap<String, Vec<Value>> {
    let label = json!({ "id": id * 1_000 + 1, "name": "shared", "color": "#428BCA", "text_color": "#FFFFFF", "description": null, "priority": null });
    BTreeMap::from([("labels".to_owned(), vec![label])])
}

/// The group at a path below another, made where it is missing.
fn group_at(world: &mut World, top: u64, path: &str) -> u64 {
    let mut at = top;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let found = world
            .groups
            .values()
            .find(|group| group.parent == Some(at) && group.path == part)
            .map(|group| group.id);
        at = found.unwrap_or_else(|| add_group(world, Some(at), part));
    }
    at
}

/// A project without content, as `POST /projects` makes it.
pub(super) fn empty_project(world: &mut World, group: u64, path: &str, root: &Path) -> Project {
    let id = world.next_id();
    let enabled = FEATURES.map(|name| (name.to_owned(), "enabled".to_owned()));
    Project {
        id,
        group,
        path: path.to_owned(),
        description: String::new(),
        visibility: "private",
        archived: false,
        features: BTreeMap::from(enabled),
        default_branch: None,
        created_at: epoch(),
        updated_at: epoch(),
        last_activity_at: epoch(),
        former: Vec::new(),
        git: root.join(format!("{id}.git")),
        wiki: None,
        lfs_enabled: true,
        lfs: BTreeMap::new(),
        uploads: BTreeMap::new(),
        snippets: BTreeMap::new(),
        issues: BTreeMap::new(),
        merge_requests: BTreeMap::new(),
        lists: BTreeMap::new(),
    }
}

/// Makes a project with all that its recipe says.
pub(super) fn add_project(
    world: &mut World,
    top: u64,
    recipe: &ProjectRecipe,
    seed: u64,
    root: &Path,
) -> Result<u64, Error> {
    let (group, path) = match recipe.name.rsplit_once('/') {
        Some((group, path)) => (group_at(world, top, group), path),
        None => (top, recipe.name.as_str()),
    };
    let mut project = empty_project(world, group, path, root);
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(31).wrapping_add(project.id));
    project.description = words::title(&mut random);
    project.archived = recipe.archived;
    if recipe.public {
        project.visibility = "public";
    }
    if recipe.without_issues {
        project
            .features
            .insert("issues_access_level".to_owned(), "disabled".to_owned());
    }
    project.last_activity_at = epoch() + TimeDelta::days(30);
    let author = world.users.keys().next().copied().unwrap_or_default();
    write_git(&mut project, recipe, &mut random)?;
    let made = Things {
        author: json!({ "id": author, "username": "author", "name": "Author", "state": "active" }),
        random,
    };
    made.fill(world, &mut project, recipe);
    let id = project.id;
    world.projects.insert(id, project);
    Ok(id)
}

fn write_git(
    project: &mut Project,
    recipe: &ProjectRecipe,
    random: &mut fastrand::Rng,
) -> Result<(), Error> {
    let mut files = Vec::new();
    for index in 0..recipe.lfs_objects {
        let content = Content {
            seed: random.u64(..),
            size: 5_000 + index * 911,
        };
        let oid = content.sha256();
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n",
            content.size
        );
        files.push((format!("media/{index}.bin"), pointer));
        project.lfs.insert(oid, content);
    }
    let tags = (1..=recipe.things).map(|number| format!("v0.{number}.0"));
    let heads = (1..=recipe.merge_requests).map(|iid| format!("refs/merge-requests/{iid}/head"));
    let sketch = Sketch {
        seed: random.u64(..),
        author: "author",
        at: epoch() + TimeDelta::days(1),
        commits: recipe.commits,
        tags: tags.collect(),
        heads: heads.collect(),
        files,
        page: "README.md",
    };
    sketch.write(&project.git, "main")?;
    if recipe.commits > 0 {
        project.default_branch = Some("main".to_owned());
    }
    if recipe.wiki {
        let wiki = project.git.with_extension("wiki.git");
        let pages = Sketch {
            seed: random.u64(..),
            author: "author",
            at: epoch() + TimeDelta::days(2),
            commits: 2,
            tags: Vec::new(),
            heads: Vec::new(),
            files: Vec::new(),
            page: "home.md",
        };
        pages.write(&wiki, "main")?;
        project.wiki = Some(wiki);
    } else {
        // GitLab makes every wiki's repository when it is first asked for: an empty one.
        let wiki = project.git.with_extension("wiki.git");
        history::create(&wiki, "main")?;
        project.wiki = Some(wiki);
    }
    Ok(())
}

struct Things {
    author: Value,
    random: fastrand::Rng,
}

impl Things {
    fn fill(mut self, world: &mut World, project: &mut Project, recipe: &ProjectRecipe) {
        for iid in 1..=recipe.issues {
            let item = self.item(world, project, iid, recipe.notes, true);
            project.issues.insert(iid, item);
        }
        for iid in 1..=recipe.merge_requests {
            let item = self.item(world, project, iid, recipe.notes, false);
            project.merge_requests.insert(iid, item);
        }
        for number in 1..=recipe.things {
            self.thing(world, project, number);
        }
    }

    fn item(
        &mut self,
        world: &mut World,
        project: &Project,
        iid: u64,
        notes: u64,
        is_issue: bool,
    ) -> Item {
        let id = world.next_id();
        let updated_at = epoch() + TimeDelta::days(i64::try_from(iid).unwrap_or(0));
        let is_closed = iid.is_multiple_of(3);
        let mut fields = json!({
            "id": id,
            "iid": iid,
            "project_id": project.id,
            "title": words::title(&mut self.random),
            "description": words::text(&mut self.random),
            "state": if is_closed { "closed" } else { "opened" },
            "created_at": moment(epoch()),
            "closed_at": is_closed.then(|| moment(updated_at)),
            "labels": ["label-1"],
            "milestone": null,
            "assignees": [],
            "author": self.author,
        });
        if let (false, Value::Object(fields)) = (is_issue, &mut fields) {
            fields.insert("source_branch".to_owned(), format!("topic-{iid}").into());
            fields.insert("target_branch".to_owned(), "main".into());
            fields.insert("draft".to_owned(), false.into());
        }
        // Every second one has an award, and every second merge request an approval.
        let is_liked = iid % 2 == 1;
        let award = json!({
            "id": world.next_id(),
            "name": "thumbsup",
            "user": self.author,
            "created_at": moment(epoch()),
            "updated_at": moment(epoch()),
            "awardable_id": id,
            "awardable_type": if is_issue { "Issue" } else { "MergeRequest" },
        });
        let mut item = Item {
            fields,
            updated_at,
            discussions: Vec::new(),
            awards: is_liked.then_some(award).into_iter().collect(),
            approved_by: (is_liked && !is_issue)
                .then(|| json!({ "user": self.author, "approved_at": moment(updated_at) }))
                .into_iter()
                .collect(),
        };
        for _ in 0..notes {
            let body = words::text(&mut self.random);
            let note = note(world, &self.author, &body, updated_at);
            item.discussions.push(discussion(&mut self.random, note));
        }
        item
    }

    /// One of each of the smaller things.
    fn thing(&mut self, world: &mut World, project: &mut Project, number: u64) {
        let at = moment(epoch() + TimeDelta::days(3));
        let title = words::title(&mut self.random);
        let mut id = || world.next_id();
        let snippet = id();
        let upload = id();
        let content = Content {
            seed: upload,
            size: 1_000 + number,
        };
        project
            .snippets
            .insert(snippet, words::text(&mut self.random));
        project.uploads.insert(upload, content);
        let rows = [
            (
                "labels",
                json!({ "id": id(), "name": format!("label-{number}"), "color": "#d9534f", "text_color": "#FFFFFF", "description": title, "priority": null, "is_project_label": true }),
            ),
            (
                "milestones",
                json!({ "id": id(), "iid": number, "project_id": project.id, "title": format!("milestone-{number}"), "description": title, "state": "active", "due_date": null, "start_date": null, "expired": false, "created_at": at, "updated_at": at }),
            ),
            (
                "boards",
                json!({ "id": id(), "name": format!("board-{number}"), "hide_backlog_list": false, "hide_closed_list": false, "lists": [{ "id": id(), "position": 0, "label": { "name": "label-1" } }] }),
            ),
            (
                "releases",
                json!({ "tag_name": format!("v0.{number}.0"), "name": title, "description": title, "created_at": at, "released_at": at, "upcoming_release": false, "author": self.author, "milestones": [], "assets": { "count": 1, "sources": [], "links": [{ "id": id(), "name": "site", "url": "https://example.com/x", "link_type": "other" }] } }),
            ),
            (
                "snippets",
                json!({ "id": snippet, "title": title, "file_name": "note.txt", "description": null, "visibility": "private", "author": self.author, "created_at": at, "updated_at": at, "project_id": project.id }),
            ),
            (
                "hooks",
                json!({ "id": id(), "url": format!("https://hooks.example.com/{number}"), "created_at": at, "push_events": true, "enable_ssl_verification": true, "project_id": project.id }),
            ),
            (
                "variables",
                json!({ "variable_type": "env_var", "key": format!("KEY_{number}"), "value": if number == 3 { Value::Null } else { format!("value-{number}").into() }, "protected": false, "masked": number > 1, "hidden": number == 3, "raw": false, "environment_scope": "*", "description": null }),
            ),
            (
                "pipeline_schedules",
                json!({ "id": id(), "description": title, "ref": "main", "cron": "0 1 * * *", "cron_timezone": "UTC", "next_run_at": at, "active": true, "created_at": at, "updated_at": at }),
            ),
            (
                "deploy_keys",
                json!({ "id": id(), "title": title, "key": "ssh-ed25519 AAAA", "fingerprint": "aa:bb", "created_at": at, "can_push": false }),
            ),
            (
                "protected_branches",
                json!({ "id": id(), "name": format!("release-{number}"), "push_access_levels": [{ "access_level": 40 }], "merge_access_levels": [{ "access_level": 40 }], "allow_force_push": false }),
            ),
            (
                "protected_tags",
                json!({ "name": format!("v{number}*"), "create_access_levels": [{ "access_level": 40 }] }),
            ),
            (
                "uploads",
                json!({ "id": upload, "size": content.size, "filename": format!("picture-{number}.png"), "created_at": at, "uploaded_by": null }),
            ),
        ];
        for (list, row) in rows {
            project.lists.entry(list.to_owned()).or_default().push(row);
        }
    }
}

/// A note, as the API shows it.
pub(super) fn note(world: &mut World, author: &Value, body: &str, at: DateTime<Utc>) -> Value {
    json!({
        "id": world.next_id(),
        "type": null,
        "body": body,
        "author": author,
        "created_at": moment(at),
        "updated_at": moment(at),
        "system": false,
        "resolvable": false,
    })
}

/// A thread that begins with a note.
pub(super) fn discussion(random: &mut fastrand::Rng, note: Value) -> Discussion {
    let id = std::iter::repeat_with(|| format!("{:08x}", random.u32(..)))
        .take(5)
        .collect();
    Discussion {
        id,
        notes: vec![note],
    }
}
