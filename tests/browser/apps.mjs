// What a person does with applications, on the console and on the forge's own pages.

import {at, organization, tab} from './acts.mjs';
import {button, field, heading, link, panel, reads, sees, step, world} from './console.mjs';

/** Signs in on the forge, as somebody else if need be. */
export async function onForge(page, login) {
  step(`${login} signs in on the forge`);
  const there = page.url();
  await page.goto(`${world.forge}/login?return_to=/login`);
  await button(page, `Sign in as ${login}`).click();
  await page.goto(there);
}

/** Applications > Add application, made on the forge from a manifest. */
export async function makeApplication(page, label, name) {
  step(`Add application ${label}`);
  await page.goto('/applications');
  await link(page, 'Add application').first().click();
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Application').selectOption({label});
  await field(panel(page), 'Organization that owns it (optional)').fill(organization);
  await button(panel(page), 'Continue').click();
  await panel(page).getByRole('button', {name: /^Make it on /}).click();
  await sees(heading(page, 'Create GitHub App'));
  await field(page, 'GitHub App name').fill(name);
  await button(page, 'Create GitHub App').click();
  await page.waitForURL('**/applications');
  await sees(page.getByRole('row', {name: new RegExp(`${label}.*Ready`)}));
}

/** Add organization > GitHub App, installed on an account of the forge. */
export async function registerByApp(page, name = organization) {
  await tab(page, 'GitHub');
  step('Add organization by GitHub App');
  await link(page, 'Add organization').first().click();
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Name').fill(name);
  await panel(page).getByRole('radio', {name: /^GitHub App/}).check();
  await button(panel(page), 'Add organization').click();
  await install(page, organization);
  await sees(link(panel(page), 'Add plan'));
  await reads(panel(page), `${name} is registered.`);
}

/** The forge's own pages: where, and with what. */
export async function install(page, account, verb = 'Install') {
  step(`${verb} on ${account}`);
  await sees(page.getByText('Where do you want to install it?'));
  await link(page, account).click();
  await button(page, verb).click();
}

/** Edit > Manage credentials > Add new > GitHub App > the application > Install. */
export async function chooseApp(page, number) {
  await page.goto(at('/github'));
  step(`Edit > Manage credentials > Add new > GitHub App > #${number} > Install`);
  await link(page, `Edit ${organization}`).click();
  await sees(heading(panel(page), 'Throttling prevention'));
  await link(panel(page), 'Manage credentials').click();
  await sees(heading(panel(page), 'Manage credentials'));
  await panel(page).locator('summary', {hasText: 'Add new'}).click();
  await link(panel(page), 'GitHub App').click();
  await field(panel(page), 'GitHub App').selectOption(String(number));
  await button(panel(page), 'Install').click();
}
