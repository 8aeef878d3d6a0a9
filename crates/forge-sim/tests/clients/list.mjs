// Lists a repository with octokit.js and prints what it saw.

const { Octokit } = await import(process.env.OCTOKIT);

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const octokit = new Octokit({
  auth: process.env.TOKEN,
  baseUrl: process.env.BASE_URL,
  log: quiet,
  retry: { enabled: false },
  throttle: { onRateLimit: () => false, onSecondaryRateLimit: () => false },
});

if (process.env.EXPECT === "limit") {
  await octokit.rest.users.getAuthenticated();
  const limited = await octokit.rest.orgs.get({ org: "acme" }).then(
    () => false,
    (error) => error.status === 403 && error.response.headers["x-ratelimit-remaining"] === "0",
  );
  console.log(JSON.stringify({ limited }));
  process.exit();
}

const rich = { owner: "acme", repo: "rich", per_page: 7 };
const count = async (route, more) => (await octokit.paginate(route, { ...rich, ...more })).length;
const pulls = await octokit.paginate(octokit.rest.pulls.list, { ...rich, state: "all" });
const releases = await octokit.paginate(octokit.rest.repos.listReleases, rich);
let reviews = 0;
for (const { number } of pulls) {
  reviews += await count(octokit.rest.pulls.listReviews, { pull_number: number });
}
let assets = 0;
for (const { id } of releases) {
  assets += await count(octokit.rest.repos.listReleaseAssets, { release_id: id });
}
const status = (promise) => promise.then((answer) => answer.status, (error) => error.status);
const { headers } = await octokit.rest.issues.listLabelsForRepo(rich);

console.log(
  JSON.stringify({
    login: (await octokit.rest.users.getAuthenticated()).data.login,
    repositories: (await octokit.paginate(octokit.rest.repos.listForOrg, { org: "acme", per_page: 2 })).length,
    issues: await count(octokit.rest.issues.listForRepo, { state: "all" }),
    issue_comments: await count(octokit.rest.issues.listCommentsForRepo),
    pulls: pulls.length,
    reviews,
    review_comments: await count(octokit.rest.pulls.listReviewCommentsForRepo),
    labels: await count(octokit.rest.issues.listLabelsForRepo),
    milestones: await count(octokit.rest.issues.listMilestones, { state: "all" }),
    releases: releases.length,
    assets,
    missing: await status(octokit.rest.repos.get({ owner: "acme", repo: "none" })),
    unchanged: await status(
      octokit.rest.issues.listLabelsForRepo({ ...rich, headers: { "if-none-match": headers.etag } }),
    ),
  }),
);
