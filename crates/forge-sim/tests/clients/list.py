"""Lists a repository with PyGithub and prints what it saw."""

import json
import os

import github

token = os.environ["TOKEN"]
client = github.Github(
    base_url=os.environ["BASE_URL"],
    auth=github.Auth.Token(token),
    per_page=7,
    retry=None,
    seconds_between_requests=0,
    seconds_between_writes=0,
)

if os.environ.get("EXPECT") == "limit":
    client.get_user().login
    try:
        client.get_organization("acme")
        limited = False
    except github.RateLimitExceededException:
        limited = True
    print(json.dumps({"limited": limited}))
    raise SystemExit

organization = client.get_organization("acme")
repository = organization.get_repo("rich")
releases = list(repository.get_releases())
pulls = list(repository.get_pulls(state="all"))

try:
    organization.get_repo("none")
    missing = 200
except github.UnknownObjectException as error:
    missing = error.status

labels = list(repository.get_labels())
status, headers, _ = client.requester.requestJson("GET", f"/repos/{repository.full_name}/labels")
tag = {k.lower(): v for k, v in headers.items()}["etag"]
unchanged, _, _ = client.requester.requestJson(
    "GET", f"/repos/{repository.full_name}/labels", headers={"If-None-Match": tag}
)

seen = {
    "login": client.get_user().login,
    "repositories": len(list(organization.get_repos())),
    "issues": len(list(repository.get_issues(state="all"))),
    "issue_comments": len(list(repository.get_issues_comments())),
    "pulls": len(pulls),
    "reviews": sum(len(list(pull.get_reviews())) for pull in pulls),
    "review_comments": len(list(repository.get_pulls_comments())),
    "labels": len(labels),
    "milestones": len(list(repository.get_milestones(state="all"))),
    "releases": len(releases),
    "assets": sum(len(list(release.get_assets())) for release in releases),
    "missing": missing,
    "unchanged": unchanged,
}
print(json.dumps(seen))
