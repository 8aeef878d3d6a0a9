// An organization registered with what a person grants: less than is asked for is refused, with the scope that is missing.

import assert from 'node:assert/strict';

import {addPlan, addStorage, organization, runNow, setUp, tab} from './acts.mjs';
import {onForge} from './apps.mjs';
import {button, drive, field, link, panel, reads, resetCounters, sees, spent, step, world} from './console.mjs';

async function begin(page) {
  step('Add organization by OAuth');
  await page.goto('/t/first/github/new');
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Name').fill(organization);
  await panel(page).getByRole('radio', {name: /^OAuth/}).check();
  await reads(panel(page), 'It asks for the scopes repo, read:org, read:user.');
  await button(panel(page), 'Add organization').click();
}

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await onForge(page, 'backup-main');
  const answer = await fetch(`${world.control}/apps`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({name: 'Sign in', owner: organization, oauth: true, callback_urls: [`${world.base}/github/callback`]}),
  });
  const keys = await answer.json();

  step('an OAuth app by hand');
  await page.goto('/applications');
  await link(page, 'Add application').first().click();
  await field(panel(page), 'Host').fill(world.forge);
  await field(panel(page), 'Application').selectOption({label: 'OAuth app'});
  await panel(page).getByRole('radio', {name: /^Enter the keys/}).check();
  await field(panel(page), 'Client ID').fill(keys.client_id);
  await field(panel(page), 'Client secret').fill(keys.client_secret);
  await button(panel(page), 'Continue').click();
  await sees(page.getByRole('row', {name: /OAuth app/}));
  await page.goto('/');
  await addStorage(page, 'vault');

  await begin(page);
  await button(page, 'Authorize Sign in for less').click();
  await reads(panel(page), 'the scope repo is missing');
  await begin(page);
  await button(page, 'Cancel').click();
  await reads(panel(page), 'The authorization was not given');
  await begin(page);
  await button(page, 'Authorize Sign in').click();
  await reads(panel(page), `${organization} is registered.`);
  await page.goto('/');
  await tab(page, 'GitHub');
  await reads(page, 'OAuth');
  await addPlan(page, 'nightly');
  await resetCounters();
  await runNow(page, 'nightly');
  assert.ok((await spent('backup-main')) > 0, 'what was granted was not spent');
});
