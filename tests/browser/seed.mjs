// The manual from its first page to its last: an account is added, switched on in a plan, and spent by a run.

import assert from 'node:assert/strict';

import {addAccount, addOrganization, addPlan, addStorage, runNow, setUp, switchOn} from './acts.mjs';
import {drive, resetCounters, spent, world} from './console.mjs';

drive(async (console) => {
  const page = await console.window({javaScriptEnabled: world.javascript});
  await setUp(page);
  await addStorage(page, 'vault');
  await addOrganization(page, 'backup-main');
  await addAccount(page, 'backup-one');
  await addPlan(page, 'nightly', async () => switchOn(page, 'backup-one'));
  await resetCounters();
  await runNow(page, 'nightly');
  assert.ok((await spent('backup-one')) > 0, 'the added account was not spent');
});
