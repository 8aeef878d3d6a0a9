// The manual's page on GitLab, from its first word to its last: an account is added to a group, switched on in a plan, and
// spent by a run whose page says so.

import assert from 'node:assert/strict';

import {addGitLabAccount, addGroup, addPlan, addStorage, runNow, setUp, switchOn} from './acts.mjs';
import {drive, resetCounters, sees, spent, world} from './console.mjs';

drive(async (console) => {
  const page = await console.window({javaScriptEnabled: world.javascript});
  await setUp(page);
  await addStorage(page, 'vault');
  await addGroup(page, 'backup-main');
  await addGitLabAccount(page, 'backup-one');
  await addPlan(page, 'nightly', async () => switchOn(page, 'backup-one'));
  await resetCounters();
  await runNow(page, 'nightly');
  const spending = page.getByRole('region', {name: 'Credentials'});
  for (const user of ['backup-main', 'backup-one']) {
    assert.ok((await spent(user)) > 0, `${user} was not spent`);
    await sees(spending.getByText(user, {exact: true}));
  }
});
