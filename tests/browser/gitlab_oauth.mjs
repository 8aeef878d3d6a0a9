// A group of a GitLab registered with what a person grants, and backed up with it.

import assert from 'node:assert/strict';

import {addPlan, addStorage, organization, runNow, setUp, tab} from './acts.mjs';
import {button, drive, field, link, panel, reads, resetCounters, sees, spent, step, world} from './console.mjs';

async function begin(page) {
  step('Add organization by OAuth');
  await page.goto('/t/first/gitlab/new');
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Name').fill(organization);
  await panel(page).getByRole('radio', {name: /^OAuth/}).check();
  await reads(panel(page), 'It asks for the scopes read_api, read_user, read_repository.');
  await button(panel(page), 'Add organization').click();
}

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  const answer = await fetch(`${world.control}/apps`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({
      name: 'Sign in',
      redirect_uris: [`${world.base}/gitlab/callback`],
      scopes: ['read_api', 'read_user', 'read_repository'],
    }),
  });
  const keys = await answer.json();

  step('an OAuth application of a GitLab');
  await page.goto('/applications');
  await link(page, 'Add application').first().click();
  await reads(panel(page), `${world.base}/gitlab/callback`);
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Application').selectOption({label: 'GitLab OAuth application'});
  await panel(page).getByRole('radio', {name: /^Enter the keys/}).check();
  await field(panel(page), 'Client ID').fill(keys.client_id);
  await field(panel(page), 'Client secret').fill(keys.client_secret);
  await button(panel(page), 'Continue').click();
  await sees(page.getByRole('row', {name: /OAuth app/}));
  await page.goto('/');
  await addStorage(page, 'vault');

  await begin(page);
  await button(page, 'Sign in as backup-main').click();
  await button(page, 'Cancel').click();
  await reads(panel(page), 'The authorization was not given');
  await begin(page);
  await button(page, 'Authorize Sign in').click();
  await reads(panel(page), `${organization} is registered.`);
  await reads(panel(page), 'with read_api, read_user, read_repository');
  await page.goto('/');
  await tab(page, 'GitLab');
  await reads(page, 'OAuth');
  await addPlan(page, 'nightly');
  await resetCounters();
  await runNow(page, 'nightly');
  assert.ok((await spent('backup-main')) > 0, 'what was granted was not spent');
});
