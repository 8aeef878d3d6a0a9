// A token is replaced in the Password Manager while a run spends it: the run goes on with the new one.

import assert from 'node:assert/strict';

import {RUN_MS, button, drive, field, link, mutate, panel, sees, spent, step, until, world} from './console.mjs';
import {setUp, startRun, tab} from './acts.mjs';

const LOGIN = 'backup-one';

/** Requests after which none with the old token can be under way. */
const MANY = 20;

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await startRun(page, 'nightly');
  const task = page.url();
  await until('the account is spent', async () => (await spent(LOGIN)) > 0);

  await tab(page, 'Password Manager');
  step('replace the token');
  const row = page.getByRole('row', {name: new RegExp(LOGIN)});
  await row.locator('summary').click();
  await link(row, 'Replace value').click();
  await field(panel(page), 'New value').fill(world.tokens[LOGIN][1]);
  await button(panel(page), 'Replace value').click();
  await sees(panel(page).getByRole('heading', {name: /^What .* says$/}));
  const then = await spent(LOGIN);
  await until('the account is spent further', async () => (await spent(LOGIN)) > then + MANY);

  step('the old token is worth nothing any more');
  await mutate({kind: 'revoke_token', token: world.tokens[LOGIN][0]});
  const afterwards = await spent(LOGIN);
  await until('the account is spent further', async () => (await spent(LOGIN)) > afterwards + MANY);
  await page.goto(task);
  await sees(page.getByRole('region', {name: 'Progress'}).getByText('Complete', {exact: true}), RUN_MS);
  assert.equal(await page.getByText(/rejected|401/).count(), 0);
});
