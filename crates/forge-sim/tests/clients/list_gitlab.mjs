// Lists a GitLab with @gitbeaker/rest and prints what it saw.

const { Gitlab } = await import(process.env.GITBEAKER);

const api = new Gitlab({ host: process.env.BASE_URL, token: process.env.TOKEN });
const status = (promise) => promise.then(() => 200, (error) => error.cause?.response?.status ?? String(error));

if (process.env.EXPECT === "limit") {
  await api.Users.showCurrentUser();
  const limited = (await status(api.Groups.show("acme"))) === 429;
  console.log(JSON.stringify({ limited }));
  process.exit();
}

const project = await api.Projects.show("acme/sub/rich");
const { id } = project;
const byNumber = await api.Groups.allProjects("acme", { includeSubgroups: true, perPage: 2 });
const byKey = await api.Projects.all({ membership: true, pagination: "keyset", orderBy: "id", perPage: 2 });
const issues = await api.Issues.all({ projectId: id, scope: "all", perPage: 2 });
const mergeRequests = await api.MergeRequests.all({ projectId: id, scope: "all", perPage: 2 });
const sum = async (items, list) => {
  let total = 0;
  for (const item of items) total += (await list(item.iid)).length;
  return total;
};
const count = async (promise) => (await promise).length;

console.log(
  JSON.stringify({
    user: (await api.Users.showCurrentUser()).username,
    token_user: (await api.PersonalAccessTokens.show()).user_id,
    projects: [byNumber.length, byKey.length],
    issues: issues.length,
    discussions: await sum(issues, (iid) => api.IssueDiscussions.all(id, iid)),
    notes: await sum(issues, (iid) => api.IssueNotes.all(id, iid)),
    merge_requests: mergeRequests.length,
    merge_request_discussions: await sum(mergeRequests, (iid) => api.MergeRequestDiscussions.all(id, iid)),
    labels: await count(api.ProjectLabels.all(id)),
    milestones: await count(api.ProjectMilestones.all(id)),
    releases: await count(api.ProjectReleases.all(id)),
    boards: await count(api.ProjectIssueBoards.all(id)),
    snippets: await count(api.ProjectSnippets.all(id)),
    hooks: await count(api.ProjectHooks.all(id)),
    variables: await count(api.ProjectVariables.all(id)),
    schedules: await count(api.PipelineSchedules.all(id)),
    deploy_keys: await count(api.DeployKeys.all({ projectId: id })),
    protected: [await count(api.ProtectedBranches.all(id)), await count(api.ProtectedTags.all(id))],
    missing: await status(api.Projects.show("acme/none")),
    off: await status(api.Issues.all({ projectId: "acme/quiet" })),
    moved: (await api.Projects.show("acme/sub/old")).path_with_namespace,
  }),
);
