// Applications as the manual has them: registered by one, enlarged by another, switched on, and spent by a run.

import assert from 'node:assert/strict';

import {addPlan, addStorage, runNow, setUp, switchOn} from './acts.mjs';
import {chooseApp, install, makeApplication, onForge, registerByApp} from './apps.mjs';
import {drive, link, panel, reads, resetCounters, sees, spent, world} from './console.mjs';

drive(async (console) => {
  const page = await console.window({javaScriptEnabled: world.javascript});
  await setUp(page);
  await onForge(page, 'backup-main');
  await makeApplication(page, 'Main GitHub App', 'Backup');
  await makeApplication(page, 'GitHub App #3', 'Backup three');
  await page.goto('/');
  await addStorage(page, 'vault');
  await registerByApp(page);
  await chooseApp(page, 3);
  await install(page, 'acme');
  await reads(panel(page), 'GitHub App #3 on acme is added.');
  await link(panel(page), 'Manage credentials').click();
  const row = panel(page).locator('.rowitem', {hasText: 'GitHub App #3 on acme'});
  await sees(row.getByText(/4,9\d\d left|5,000 left/));
  await sees(row.getByText('Enable in a plan'));
  await page.goto('/');
  await addPlan(page, 'nightly', async () => switchOn(page, 'GitHub App #3 on acme'));
  await resetCounters();
  await runNow(page, 'nightly');
  assert.ok((await spent('backup-three[bot]')) > 0, 'the added application was not spent');
  assert.equal(await spent('backup-main'), 0, 'the person who installed it was spent');
});
