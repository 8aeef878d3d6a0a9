//! The section Sources: which repositories of which organization.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::selection::{Pattern, Rules, Stance, Terms, Topic};
use domain::{Invalid, OrganizationId, RepositoryName, Selection};
use store::KnownRepository;

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::text;

/// Up to so many repositories can be ticked one by one; of more, names are written.
const TICKABLE: usize = 200;

/// So many names are shown of those that belong.
const SHOWN: usize = 100;

/// Repositories that can be written one by one.
const MOST: usize = 5_000;

#[derive(Template)]
#[template(path = "plans/sources.html")]
struct SourcesPage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    /// Names to tick; none if there are too many.
    tickable: Vec<String>,
    matches: Option<Matches>,
    stances: [Choices; 3],
}

/// What belongs to the plan now.
struct Matches {
    count: String,
    of: String,
    names: Vec<String>,
    rest: usize,
}

impl Matches {
    fn of(selection: &Selection, known: &[KnownRepository]) -> Self {
        let mut names: Vec<String> = known
            .iter()
            .filter(|one| selection.includes(&one.traits))
            .map(|one| one.traits.name.to_string())
            .collect();
        let count = names.len();
        names.truncate(SHOWN);
        Self {
            count: text::number(i64::try_from(count).unwrap_or(i64::MAX)),
            of: text::count(
                i64::try_from(known.len()).unwrap_or(i64::MAX),
                "repository",
                "repositories",
            ),
            rest: count - names.len(),
            names,
        }
    }
}

/// A field, its label, and its values with theirs.
type Choices = (
    &'static str,
    &'static str,
    [(&'static str, &'static str); 3],
);

const STANCES: [Choices; 3] = [
    (
        "archived",
        "Archived repositories",
        [
            ("either", "Include"),
            ("without", "Leave out"),
            ("only", "Only these"),
        ],
    ),
    (
        "forks",
        "Forks",
        [
            ("either", "Include"),
            ("without", "Leave out"),
            ("only", "Only these"),
        ],
    ),
    (
        "private",
        "Visibility",
        [
            ("either", "Private and public"),
            ("only", "Only private"),
            ("without", "Only public"),
        ],
    ),
];

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
    selection: Option<&Selection>,
) -> Result<SourcesPage, Error> {
    let known = match desk.settings.organization {
        Some(organization) => member.scoped.known_repositories(organization).await?,
        None => Vec::new(),
    };
    let tickable = if known.len() <= TICKABLE {
        known
            .iter()
            .map(|one| one.traits.name.to_string())
            .collect()
    } else {
        Vec::new()
    };
    Ok(SourcesPage {
        page: Page::new(member, Tab::Plans, Section::Sources.title()),
        list: behind(console, member).await?,
        matches: selection
            .filter(|_| !known.is_empty())
            .map(|selection| Matches::of(selection, &known)),
        stances: STANCES,
        fields: spread(fields, &tickable),
        tickable,
        desk,
    })
}

/// Names that can be ticked are ticked, the others are written.
fn spread(fields: Fields, tickable: &[String]) -> Fields {
    let named: Vec<String> = fields
        .all("repository")
        .iter()
        .map(String::as_str)
        .chain(
            fields
                .value("repositories")
                .split([',', '\n', '\r', ' ', '\t']),
        )
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let (ticked, written): (Vec<_>, Vec<_>) = named.into_iter().partition(|name| {
        tickable
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    });
    let ticked: Vec<String> = tickable
        .iter()
        .filter(|known| ticked.iter().any(|name| name.eq_ignore_ascii_case(known)))
        .cloned()
        .collect();
    fields
        .with_all("repository", ticked)
        .with("repositories", written.join("\n"))
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let selection = desk.settings.selection.clone();
    let fields = preset(&selection, desk.settings.organization);
    page::show(&panel(&console, &member, desk, fields, Some(&selection)).await?)
}

/// The form for a selection that is there already.
fn preset(selection: &Selection, organization: Option<OrganizationId>) -> Fields {
    let lines = |words: Vec<String>| words.join("\n");
    let mut fields = Fields::new();
    if let Some(organization) = organization {
        fields = fields.with("organization", organization);
    }
    match selection {
        Selection::All => fields.with("select", "all"),
        Selection::Chosen(names) => fields
            .with("select", "chosen")
            .with_all("repository", names),
        Selection::Rules(rules) => fields
            .with("select", "rules")
            .with("names", lines(written(&rules.names.include)))
            .with("not_names", lines(written(&rules.names.exclude)))
            .with("topics", lines(written(&rules.topics.include)))
            .with("not_topics", lines(written(&rules.topics.exclude)))
            .with("archived", rules.archived.as_str())
            .with("forks", rules.forks.as_str())
            .with("private", rules.private.as_str()),
    }
}

fn written<T: ToString>(words: &[T]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    choose(&mut desk, &mut fields);
    let Some(selection) = read(&mut fields).filter(|_| fields.is_ok()) else {
        return page::refuse(&panel(&console, &member, desk, fields, None).await?);
    };
    if fields.text("act") == "preview" {
        return page::show(&panel(&console, &member, desk, fields, Some(&selection)).await?);
    }
    desk.settings.selection = selection;
    desk.keep(&member).await?;
    page::go(&desk.url)
}

/// A new plan may be about any organization; accounts of another one do not come along.
fn choose(desk: &mut Desk, fields: &mut Fields) {
    if desk.plan.is_some() {
        return;
    }
    let wanted: Option<OrganizationId> = fields.text("organization").parse().ok();
    match desk.organizations.iter().find(|one| Some(one.id) == wanted) {
        Some(found) => {
            if desk.settings.organization != Some(found.id) {
                desk.settings.use_credentials.clear();
            }
            desk.settings.organization = Some(found.id);
        }
        None => fields.fail("organization", "Choose one of the organizations."),
    }
}

fn read(fields: &mut Fields) -> Option<Selection> {
    match fields.text("select") {
        "all" => Some(Selection::All),
        "chosen" => chosen(fields),
        "rules" => Some(Selection::Rules(Box::new(rules(fields)))),
        _ => {
            fields.fail("select", "Choose which repositories belong to the plan.");
            None
        }
    }
}

fn chosen(fields: &mut Fields) -> Option<Selection> {
    let written = spread(fields.clone(), &[]);
    let chosen: Result<Vec<RepositoryName>, Invalid> = written
        .text("repositories")
        .lines()
        .map(str::parse)
        .collect();
    match chosen {
        Err(invalid) => {
            fields.fail("repositories", invalid.to_string());
            None
        }
        Ok(names) if names.is_empty() => {
            fields.fail(
                "repositories",
                "No repository is chosen: tick or name at least one.",
            );
            None
        }
        Ok(names) if names.len() > MOST => {
            fields.fail(
                "repositories",
                format!(
                    "These are {} repositories: name at most {MOST}, or use rules.",
                    names.len()
                ),
            );
            None
        }
        Ok(names) => Some(Selection::Chosen(names)),
    }
}

fn rules(fields: &mut Fields) -> Rules {
    let mut rules = Rules::default();
    for (name, patterns) in [
        ("names", &mut rules.names.include),
        ("not_names", &mut rules.names.exclude),
    ] {
        match Terms::<Pattern>::words(fields.text(name)) {
            Ok(words) => *patterns = words,
            Err(invalid) => fields.fail(name, invalid.to_string()),
        }
    }
    for (name, topics) in [
        ("topics", &mut rules.topics.include),
        ("not_topics", &mut rules.topics.exclude),
    ] {
        match Terms::<Topic>::words(fields.text(name)) {
            Ok(words) => *topics = words,
            Err(invalid) => fields.fail(name, invalid.to_string()),
        }
    }
    for (name, stance) in [
        ("archived", &mut rules.archived),
        ("forks", &mut rules.forks),
        ("private", &mut rules.private),
    ] {
        if !fields.text(name).is_empty() {
            *stance = fields.parse::<Stance>(name).unwrap_or_default();
        }
    }
    rules
}
