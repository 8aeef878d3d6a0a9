// A snapshot: its files are looked at, its git data downloaded, and git itself says that they are whole.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import path from 'node:path';

import {setUp, tab} from './acts.mjs';
import {drive, link, reads, sees, step, world} from './console.mjs';

const git = (...args) => execFileSync('git', args, {encoding: 'utf8', env: {...process.env, GIT_CONFIG_NOSYSTEM: '1'}});

drive(async (console) => {
  const page = await console.window({acceptDownloads: true});
  await setUp(page);
  await tab(page, 'Snapshots');
  await link(page, 'acme/one').first().click();
  await reads(page, 'Everything that was asked for is in this snapshot.');

  step('look around');
  await link(page, 'Browse files').click();
  await sees(page.getByRole('region', {name: 'Files'}));
  await page.getByRole('link', {name: /metadata$/}).click();
  await page.getByRole('link', {name: /issues\.ndjson$/}).click();
  await reads(page.getByRole('region', {name: 'Content'}), /"number":/);
  await page.goBack();
  await page.goBack();
  await page.goBack();

  step('the bundle holds every ref');
  const bundle = await save(page, 'Git bundle');
  const repository = path.join(world.folder, 'from-bundle');
  git('-c', 'init.defaultBranch=main', 'init', '--quiet', '--bare', repository);
  git('-C', repository, 'bundle', 'verify', '--quiet', bundle);
  const held = Object.fromEntries(
    git('bundle', 'list-heads', bundle)
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, name]) => name !== 'HEAD')
      .map(([id, name]) => [name, id]),
  );
  assert.deepEqual(held, world.refs);
  git('clone', '--quiet', bundle, path.join(world.folder, 'clone'));

  step('the archive holds everything');
  const archive = await save(page, 'Whole snapshot (tar)');
  const names = execFileSync('tar', ['--list', '--file', archive], {encoding: 'utf8', maxBuffer: 64 << 20});
  for (const part of ['manifest', 'git/', 'metadata/issues.ndjson']) {
    assert.ok(names.includes(part), `the archive lacks ${part}:\n${names.slice(0, 2000)}`);
  }

  step('what was downloaded is in the audit log');
  await page.locator('summary', {hasText: 'tenant menu'}).click();
  await link(page, 'Audit log').click();
  await sees(page.getByRole('cell', {name: 'snapshot: download'}));
});

async function save(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), link(page, name).click()]);
  const file = path.join(world.folder, download.suggestedFilename());
  await download.saveAs(file);
  assert.equal(await download.failure(), null);
  return file;
}
