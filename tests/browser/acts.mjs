// What an admin does, along the manual: every act is a few clicks on words that stand on the page.

import {
  RUN_MS,
  button,
  field,
  heading,
  link,
  misses,
  owner,
  panel,
  reads,
  sees,
  step,
  tenant,
  world,
} from './console.mjs';

/** The organization that the forge has. */
export const organization = 'acme';

/** The address of a page of the tenant. */
export const at = (path) => `/t/${tenant}${path}`;

/** The first visit: with the code that the server has printed. */
export async function setUp(page, name = tenant) {
  step('set up');
  await page.goto('/');
  await field(page, 'Set-up code').fill(world.code);
  await field(page, 'Your name').fill(owner.name);
  await field(page, 'E-mail').fill(owner.email);
  await field(page, 'Password').fill(owner.password);
  await field(page, 'First tenant').fill(name);
  await button(page, 'Set up').click();
  await page.waitForURL(`**/t/${name}/github`);
}

export async function signIn(page, person = owner) {
  step(`${person.email} signs in`);
  await page.goto('/login');
  await fillSignIn(page, person);
}

/** The form alone, wherever it is shown. */
export async function fillSignIn(page, person = owner) {
  await field(page, 'E-mail').fill(person.email);
  await field(page, 'Password').fill(person.password);
  await button(page, 'Sign in').click();
}

/** Opens a tab of the bar. */
export async function tab(page, name) {
  step(`tab ${name}`);
  await link(page.getByRole('navigation', {name: 'Main'}), name).click();
}

/** A folder of the server, below the one that the server allows. */
export async function addStorage(page, name) {
  await tab(page, 'Storages');
  step(`Add storage ${name}`);
  await link(page, 'Add storage').first().click();
  await field(panel(page), 'Name').fill(name);
  await panel(page).getByRole('radio', {name: /^Folder of the server/}).check();
  await button(panel(page), 'Add storage').click();
  await sees(page.getByRole('row', {name: new RegExp(name)}));
}

/** Opens a section of the plan panel: the `Edit` beside its title. */
export async function openSection(page, title) {
  step(`Edit beside ${title}`);
  await panel(page).getByRole('button', {name: `Edit ${title}`}).click();
  await sees(titled(page, title));
}

/** The title of the panel: its parts have headings too, of a lower level. */
const titled = (page, name) => panel(page).getByRole('heading', {name, exact: true, level: 2});

/** Saves a section, which leads back to the plan panel. */
export async function saveSection(page) {
  await button(panel(page), 'Save').click();
  await sees(titled(page, 'Edit backup plan'));
}

/** Plans > Add plan, with what else is to be edited before the last Save. */
export async function addPlan(page, name, more = async () => {}) {
  await tab(page, 'Plans');
  step(`Add plan ${name}`);
  await link(page, 'Add plan').first().click();
  await field(panel(page), 'Plan name').fill(name);
  await openSection(page, 'Sources');
  await saveSection(page);
  await openSection(page, 'Storage');
  await panel(page).getByRole('radio', {name: /^vault/}).check();
  await saveSection(page);
  await more();
  await savePlan(page, name);
}

/** The last Save of the manual. */
export async function savePlan(page, name) {
  step(`Save plan ${name}`);
  await button(panel(page), 'Save').last().click();
  await misses(panel(page));
  await sees(page.getByRole('row', {name: new RegExp(name)}));
}

/** Advanced settings > Edit > Additional git credentials > the account's switch > Save. */
export async function switchOn(page, account) {
  await openSection(page, 'Advanced settings');
  await panel(page).getByRole('switch', {name: 'Additional git credentials', exact: true}).check();
  await panel(page).getByRole('switch', {name: account, exact: true}).check();
  await saveSection(page);
}

/** Run now, and what the page shows until the task has ended well. */
export async function runNow(page, plan) {
  await startRun(page, plan);
  await sees(page.getByRole('region', {name: 'Progress'}).getByText('Complete', {exact: true}), RUN_MS);
}

/** Run now. */
export async function startRun(page, plan) {
  await tab(page, 'Plans');
  step(`Run ${plan} now`);
  await page.getByRole('row', {name: new RegExp(plan)}).getByRole('button', {name: /^Run now/}).click();
  await page.waitForURL('**/tasks/*');
  await sees(heading(page, plan));
}

/** Closes a panel in which nothing was typed. */
async function leave(page) {
  await link(panel(page), 'Close').last().click();
  await misses(panel(page));
}

/** Registers the organization with the token of a user, and waits for what the forge says of it. */
export async function addOrganization(page, login) {
  await tab(page, 'GitHub');
  step('Add organization');
  await link(page, 'Add organization').first().click();
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Name').fill(organization);
  await field(panel(page), 'Account username').fill(login);
  await field(panel(page), 'New access token').fill(world.tokens[login][0]);
  await button(panel(page), 'Add organization').click();
  await sees(link(panel(page), 'Add plan'));
  await leave(page);
}

/** Edit > Throttling prevention > Manage credentials > Add new > Access Token. */
export async function addAccount(page, login) {
  await tab(page, 'GitHub');
  step(`Edit > Manage credentials > Add new > Access Token of ${login}`);
  await link(page, `Edit ${organization}`).click();
  await sees(heading(panel(page), 'Throttling prevention'));
  await link(panel(page), 'Manage credentials').click();
  await sees(heading(panel(page), 'Manage credentials'));
  await panel(page).locator('summary', {hasText: 'Add new'}).click();
  await link(panel(page), 'Access Token').click();
  await field(panel(page), 'Account username').fill(login);
  await field(panel(page), 'New access token').fill(world.tokens[login][0]);
  await button(panel(page), 'Save').click();
  await sees(link(panel(page), 'Enable it in a plan'));
  await leave(page);
}

/** The same on GitLab: a group with the token of a user. */
export async function addGroup(page, user) {
  await tab(page, 'GitLab');
  step('Add organization on GitLab');
  await link(page, 'Add organization').first().click();
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Name').fill(organization);
  await field(panel(page), 'Account username').fill(user);
  await field(panel(page), 'New access token').fill(world.tokens[user][0]);
  await button(panel(page), 'Add organization').click();
  await sees(link(panel(page), 'Add plan'));
  await reads(page, 'Access token with read_api, read_repository');
  await leave(page);
}

/** Edit > Additional credentials > Add new > user name and token > Save. */
export async function addGitLabAccount(page, user) {
  await tab(page, 'GitLab');
  step(`Edit > Additional credentials > Add new of ${user}`);
  await link(page, `Edit ${organization}`).click();
  await sees(heading(panel(page), 'Additional credentials'));
  await link(panel(page), 'Additional credentials').click();
  await sees(titled(page, 'Additional credentials'));
  await link(panel(page), 'Add new').first().click();
  await field(panel(page), 'User name').fill(user);
  await field(panel(page), 'New access token').fill(world.tokens[user][0]);
  await button(panel(page), 'Save').click();
  await sees(link(panel(page), 'Enable it in a plan'));
  await leave(page);
}

/** Asks for a second factor, and answers the key that the page shows. */
export async function beginSecondFactor(page) {
  step('Add second factor');
  await page.goto('/account');
  await link(page, 'Add second factor').click();
  await field(panel(page), 'Password').fill(owner.password);
  await button(panel(page), 'Go on').click();
  return page.getByText('type this key').locator('code').textContent();
}

/** Turns it on with a code. */
export async function turnOnSecondFactor(page, code) {
  await field(page, 'Code').fill(code);
  await button(page, 'Turn on').click();
  await reads(page, 'They are shown this once.');
}

/** Has the forge asked about the first credential again, and answers where that can be watched. */
export async function checkAgain(page) {
  step('Check again');
  await page.goto('/');
  await page.getByRole('link', {name: /^Edit /}).first().click();
  await link(panel(page), 'Manage credentials').click();
  await sees(titled(page, 'Manage credentials'));
  await panel(page).getByLabel(/^Actions for /).first().click();
  await button(panel(page), 'Check again').click();
  await page.waitForURL('**/checks/*');
  return new URL(page.url()).pathname;
}

/** Alerts > Alert channels > Add channel > Webhook. */
export async function addWebhook(page, name, address, secret) {
  await page.goto(at('/alerts'));
  step(`Alert channels > Add channel > Webhook to ${address}`);
  await link(page, 'Alert channels').click();
  await page.locator('summary', {hasText: 'Add channel'}).click();
  await link(page, 'Webhook').click();
  await field(panel(page), 'Name').fill(name);
  await field(panel(page), 'Address').fill(address);
  await field(panel(page), 'Secret').fill(secret);
  await button(panel(page), 'Add channel').click();
}

export async function signOut(page) {
  step('sign out');
  await page.getByLabel(/account menu/).click();
  await button(page, 'Sign out').last().click();
  await page.waitForURL('**/login');
}

/** Invites somebody and answers the link to send. */
export async function invite(page, email, role) {
  step(`invite ${email}`);
  await page.goto(at('/members'));
  await link(page, 'Invite a member').click();
  await field(panel(page), 'E-mail').fill(email);
  await panel(page).getByRole('radio', {name: new RegExp(`^${role}`)}).check();
  await button(panel(page), 'Create invitation').click();
  const address = await field(panel(page), 'Link').inputValue();
  await link(panel(page), 'Done').click();
  return address;
}

/** Follows an invitation as somebody who has never been here. */
export async function join(page, address, person, name = tenant) {
  step(`${person.email} follows the invitation`);
  await page.goto(address);
  await field(page, 'Your name').fill(person.name);
  await field(page, 'Password').fill(person.password);
  await button(page, `Join ${name}`).click();
  await page.waitForURL(`**/t/${name}/github`);
}
