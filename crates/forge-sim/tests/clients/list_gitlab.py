"""Lists a GitLab with python-gitlab and prints what it saw."""

import json
import os

import gitlab

client = gitlab.Gitlab(os.environ["BASE_URL"], private_token=os.environ["TOKEN"], retry_transient_errors=True)

if os.environ.get("EXPECT") == "limit":
    client.auth()
    try:
        client.http_get("/groups/acme", obey_rate_limit=False)
        limited = False
    except gitlab.exceptions.GitlabHttpError as error:
        limited = error.response_code == 429
    print(json.dumps({"limited": limited}))
    raise SystemExit

client.auth()
group = client.groups.get("acme", with_projects=False)
by_number = group.projects.list(include_subgroups=True, per_page=2, get_all=True)
by_key = client.projects.list(pagination="keyset", order_by="id", per_page=2, get_all=True, membership=True)
project = client.projects.get("acme/sub/rich")
issues = project.issues.list(state="all", scope="all", per_page=2, get_all=True)
merge_requests = project.mergerequests.list(state="all", scope="all", get_all=True)


def status(ask):
    try:
        ask()
        return 200
    except gitlab.exceptions.GitlabError as error:
        return error.response_code


def count(manager):
    return len(manager.list(per_page=2, get_all=True))


print(
    json.dumps(
        {
            "user": client.user.username,
            "token_user": client.personal_access_tokens.get("self").user_id,
            "projects": [len(by_number), len(by_key)],
            "issues": len(issues),
            "discussions": sum(len(issue.discussions.list(get_all=True)) for issue in issues),
            "notes": sum(len(issue.notes.list(get_all=True)) for issue in issues),
            "merge_requests": len(merge_requests),
            "merge_request_discussions": sum(len(one.discussions.list(get_all=True)) for one in merge_requests),
            "labels": count(project.labels),
            "milestones": count(project.milestones),
            "releases": count(project.releases),
            "boards": count(project.boards),
            "snippets": count(project.snippets),
            "hooks": count(project.hooks),
            "variables": count(project.variables),
            "schedules": count(project.pipelineschedules),
            "deploy_keys": count(project.keys),
            "protected": [count(project.protectedbranches), count(project.protectedtags)],
            "missing": status(lambda: client.projects.get("acme/none")),
            "off": status(lambda: client.projects.get("acme/quiet").issues.list()),
            "moved": client.projects.get("acme/sub/old").path_with_namespace,
        }
    )
)
