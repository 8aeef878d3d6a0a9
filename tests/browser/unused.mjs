// The manual's warning: an account that is added and not switched on changes no backup.

import assert from 'node:assert/strict';

import {addAccount, addOrganization, addPlan, addStorage, runNow, setUp, tab} from './acts.mjs';
import {drive, reads, resetCounters, spent} from './console.mjs';

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await addStorage(page, 'vault');
  await addOrganization(page, 'backup-main');
  await addAccount(page, 'backup-one');
  await addPlan(page, 'nightly');
  await resetCounters();
  await runNow(page, 'nightly');
  assert.equal(await spent('backup-one'), 0, 'the account that no plan uses was asked');
  assert.ok((await spent('backup-main')) > 0, 'nothing was asked at all');
  await tab(page, 'GitHub');
  await reads(page, 'not used by any backup plan');
});
