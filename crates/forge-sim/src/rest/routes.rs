//! The table of routes. Every route below a repository also answers under `/repositories/{id}`.

use axum::http::Method;

use super::{Call, Outcome};
use super::{accounts, apps, comments, git, issues, labels, pulls, releases, repositories, root};

/// The route that costs nothing.
pub(crate) const RATE_LIMIT: &str = "/rate_limit";

/// The beginning of every route below a repository.
const REPOSITORY: &str = "/repos/{owner}/{repo}";

/// A path pattern and the view that answers it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) template: &'static str,
    pub(crate) view: fn(&Call<'_>) -> Outcome,
}

macro_rules! routes {
    ($($template:literal => $view:path),+ $(,)?) => {
        &[$(Route { template: $template, view: $view }),+]
    };
}

/// All routes; of two that fit a path the first wins.
const ROUTES: &[Route] = routes![
    "/" => root::index,
    "/meta" => root::meta,
    "/versions" => root::versions,
    "/rate_limit" => root::rate_limit,
    "/user" => accounts::myself,
    "/user/repos" => repositories::mine,
    "/user/orgs" => accounts::my_organizations,
    "/user/starred" => root::nothing_for_me,
    "/user/subscriptions" => root::nothing_for_me,
    "/user/followers" => root::nothing_for_me,
    "/user/following" => root::nothing_for_me,
    "/gists" => root::nothing,
    "/gists/starred" => root::nothing_for_me,
    "/users/{username}" => accounts::user,
    "/users/{username}/repos" => repositories::of_user,
    "/users/{username}/starred" => accounts::nothing_of_user,
    "/users/{username}/gists" => accounts::nothing_of_user,
    "/users/{username}/followers" => accounts::nothing_of_user,
    "/users/{username}/following" => accounts::nothing_of_user,
    "/users/{username}/orgs" => accounts::nothing_of_user,
    "/user/{account_id}/repos" => repositories::of_user_id,
    "/orgs/{org}" => accounts::organization,
    "/orgs/{org}/repos" => repositories::of_organization,
    "/organizations/{org}/repos" => repositories::of_organization_id,
    "/repos/{owner}/{repo}" => repositories::one,
    "/repos/{owner}/{repo}/topics" => repositories::topics,
    "/repos/{owner}/{repo}/languages" => repositories::languages,
    "/repos/{owner}/{repo}/hooks" => repositories::hooks,
    "/repos/{owner}/{repo}/security-advisories" => repositories::nothing,
    "/repos/{owner}/{repo}/branches" => git::branches,
    "/repos/{owner}/{repo}/tags" => git::tags,
    "/repos/{owner}/{repo}/comments" => repositories::nothing,
    "/repos/{owner}/{repo}/labels" => labels::list,
    "/repos/{owner}/{repo}/labels/{name}" => labels::one,
    "/repos/{owner}/{repo}/milestones" => labels::milestones,
    "/repos/{owner}/{repo}/milestones/{milestone_number}" => labels::milestone,
    "/repos/{owner}/{repo}/issues" => issues::list,
    "/repos/{owner}/{repo}/issues/comments" => comments::all,
    "/repos/{owner}/{repo}/issues/comments/{comment_id}" => comments::one,
    "/repos/{owner}/{repo}/issues/events" => repositories::nothing,
    "/repos/{owner}/{repo}/issues/{issue_number}" => issues::one,
    "/repos/{owner}/{repo}/issues/{issue_number}/comments" => comments::of_issue,
    "/repos/{owner}/{repo}/issues/{issue_number}/events" => issues::nothing,
    "/repos/{owner}/{repo}/issues/{issue_number}/timeline" => issues::nothing,
    "/repos/{owner}/{repo}/issues/{issue_number}/labels" => issues::labels,
    "/repos/{owner}/{repo}/pulls" => pulls::list,
    "/repos/{owner}/{repo}/pulls/comments" => pulls::all_comments,
    "/repos/{owner}/{repo}/pulls/{pull_number}" => pulls::one,
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews" => pulls::reviews,
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments" => pulls::comments,
    "/repos/{owner}/{repo}/pulls/{pull_number}/commits" => pulls::commits,
    "/repos/{owner}/{repo}/releases" => releases::list,
    "/repos/{owner}/{repo}/releases/latest" => releases::latest,
    "/repos/{owner}/{repo}/releases/assets/{asset_id}" => releases::asset,
    "/repos/{owner}/{repo}/releases/tags/{tag}" => releases::by_tag,
    "/repos/{owner}/{repo}/releases/{release_id}" => releases::one,
    "/repos/{owner}/{repo}/releases/{release_id}/assets" => releases::assets,
];

/// Routes that an App, an installation, or a person whom an App speaks for may ask.
const APP_ROUTES: &[Route] = routes![
    "/app" => apps::myself,
    "/app/installations" => apps::installations,
    "/app/installations/{installation_id}" => apps::installation,
    "/app/installation-requests" => apps::requests,
    "/app/hook/deliveries" => apps::deliveries,
    "/app/hook/deliveries/{delivery_id}" => apps::delivery,
    "/installation/repositories" => apps::my_repositories,
    "/user/installations" => apps::of_person,
    "/user/installations/{installation_id}/repositories" => apps::repositories_of_person,
    "/user/memberships/orgs/{org}" => apps::my_membership,
    "/orgs/{org}/installation" => apps::installation_of_account,
    "/users/{username}/installation" => apps::installation_of_account,
];

/// Every path pattern that is there for Apps, in GitHub's notation.
pub fn app_templates() -> impl Iterator<Item = &'static str> {
    APP_ROUTES.iter().map(|route| route.template)
}

/// Every path pattern that people and their tokens read, in GitHub's notation.
pub fn templates() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.template)
}

/// Where a route begins.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// At the root.
    Root(&'a str),
    /// At a repository by name.
    Named {
        owner: &'a str,
        name: &'a str,
        rest: &'a str,
    },
    /// At a repository by number.
    Numbered { id: u64, rest: &'a str },
}

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Known {
        route: &'static Route,
        place: Place<'a>,
        parameters: Vec<&'a str>,
    },
    Unknown,
}

impl Found<'_> {
    /// The pattern, for statistics and the limit per endpoint.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Known { route, .. } => route.template,
            Self::Unknown => "unknown",
        }
    }
}

/// Finds the route of a path below the API's root; only reading is simulated.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let path = if path.is_empty() { "/" } else { path };
    if method != Method::GET && method != Method::HEAD {
        return Found::Unknown;
    }
    let place = place(path);
    ROUTES
        .iter()
        .chain(APP_ROUTES)
        .find_map(|route| {
            let parameters = match &place {
                Place::Root(path) => fit(route.template, path)?,
                Place::Named { rest, .. } | Place::Numbered { rest, .. } => {
                    fit(route.template.strip_prefix(REPOSITORY)?, rest)?
                }
            };
            Some((route, parameters))
        })
        .map_or(Found::Unknown, |(route, parameters)| Found::Known {
            route,
            place,
            parameters,
        })
}

fn place(path: &str) -> Place<'_> {
    let named = path.strip_prefix("/repos/").and_then(|below| {
        let (owner, below) = below.split_once('/')?;
        let (name, rest) = split_first(below);
        Some(Place::Named { owner, name, rest })
    });
    let numbered = || {
        let (id, rest) = split_first(path.strip_prefix("/repositories/")?);
        Some(Place::Numbered {
            id: id.parse().ok()?,
            rest,
        })
    };
    named.or_else(numbered).unwrap_or(Place::Root(path))
}

/// The first segment, and the rest with its slash.
fn split_first(path: &str) -> (&str, &str) {
    path.find('/').map_or((path, ""), |at| path.split_at(at))
}

/// The values of the parameters, if the path fits.
pub(super) fn fit<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    let mut parameters = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                parameters.push(given);
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(path: &str) -> &'static str {
        find(&Method::GET, path).template()
    }

    #[test]
    fn words_win_over_parameters() {
        assert_eq!(
            template("/repos/acme/one/issues/comments"),
            "/repos/{owner}/{repo}/issues/comments"
        );
        assert_eq!(template("/user/repos"), "/user/repos");
        assert_eq!(template("/user/7/repos"), "/user/{account_id}/repos");
    }

    #[test]
    fn numbers_lead_where_names_lead() {
        assert_eq!(
            template("/repositories/5/pulls/3/reviews"),
            template("/repos/a/b/pulls/3/reviews")
        );
        assert_eq!(template("/repositories/5"), "/repos/{owner}/{repo}");
    }

    #[test]
    fn a_trailing_slash_leads_nowhere() {
        assert_eq!(template("/repos/acme/one/"), "unknown");
        assert_eq!(template("/meta/"), "unknown");
    }
}
