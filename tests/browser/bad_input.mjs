// What people mistype, paste and send twice: each has its own sentence, and nothing is stored that was not meant.

import assert from 'node:assert/strict';

import {at, openSection, saveSection, setUp, tab} from './acts.mjs';
import {button, drive, field, heading, link, panel, reads, sees, step, world} from './console.mjs';

const LONG = 'a'.repeat(10_000);

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  const organization = (await hrefs(page, at('/github'), /\/github\/[^/]+\/edit$/))[0].replace(/\/edit$/, '');
  const plan = (await hrefs(page, at('/plans'), /\/plans\/[^/]+\/edit$/))[0];
  const token = (value, username = 'backup-one') => [`${organization}/credentials/new/access-token`, {username, source: 'new', token: value, reserve: '10'}];
  const connection = (more) => [at('/github/new'), {host: world.forge, name: 'other', username: 'backup-one', source: 'new', token: 'ghp_x', ...more}];
  const schedule = (more) => [`${plan}/schedule`, {when: 'cron', cron: '0 2 * * *', zone: 'UTC', time: '02:00', window: '', ...more}];
  const retention = (more) => [`${plan}/retention`, {keep: 'rule', last: '', days: '', daily: '', weekly: '', monthly: '', yearly: '', ...more}];

  for (const [[address, values], sentence] of [
    [token('ghp_first half\nsecond half'), 'The token has a line break in it'],
    [token('ghp_with\u0000zero'), 'characters that cannot be seen'],
    [token(''), 'Enter a token'],
    [token(LONG), 'too long for a token'],
    [token('github_pat_11AAAAAAA0_abc'), 'This is a fine-grained token'],
    [token('ghp_x', ''), 'Enter the user name'],
    [token('ghp_x', '<b>backup</b>'), 'is not a user name'],
    [token('ghp_x', LONG), 'is not a user name'],
    [connection({host: ''}), 'Enter github.com, or the address'],
    [connection({host: 'ftp://forge.example.com'}), 'https'],
    [connection({host: 'http://forge.example.com'}), 'http'],
    [connection({name: LONG}), 'cannot be a name'],
    [connection({name: 'a\u202eb'}), 'cannot be a name'],
    [connection({name: 'acme'}), 'There is an organization called acme already'],
    [schedule({cron: '99 * * * *'}), '99 * * * *'],
    [schedule({zone: 'Mars/Olympus'}), 'Mars/Olympus'],
    [schedule({window: '-5'}), 'indow'],
    [retention({daily: '0'}), 'aily'],
    [retention({last: '-1'}), 'ast'],
    [retention({last: '99999999999999999999'}), 'ast'],
    [[`${plan}`, {name: LONG, go: 'save'}], 'cannot be a name'],
    [[`${plan}`, {name: 'two words', go: 'save'}], 'cannot be a name'],
  ]) {
    step(`${sentence}, of ${address}`);
    const answer = await post(page, address, values);
    assert.equal(answer.status(), 422, `${address} is answered with ${answer.status()}`);
    const html = await answer.text();
    assert.ok(plain(html).includes(sentence), `"${sentence}" is not in the answer of ${address}:\n${errors(html)}`);
    assert.ok(!html.includes('<b>backup</b>'), 'markup comes back as markup');
    assert.ok(html.length < 200_000, 'what was too long comes back as a whole');
  }

  step('nothing of that was stored');
  await tab(page, 'GitHub');
  assert.equal((await hrefs(page, at('/github'), /\/github\/[^/]+\/edit$/)).length, 1);

  step('a form of another site');
  const foreign = await page.request.post(`${world.base}${plan}`, {
    form: {name: 'stolen', go: 'save'},
    headers: {origin: 'https://example.com', 'sec-fetch-site': 'cross-site'},
    maxRedirects: 0,
  });
  assert.ok([400, 403].includes(foreign.status()), `answered with ${foreign.status()}`);
  assert.ok(plain(await foreign.text()).includes('sent from another site'));

  step('a form larger than any form');
  const large = await post(page, plan, {name: 'a'.repeat(1_000_000), go: 'save'});
  assert.equal(large.status(), 413);

  step('a form sent twice makes one thing');
  const address = at('/github/new');
  const html = await (await page.request.get(`${world.base}${address}`)).text();
  const once = html.match(/name="once" value="([^"]+)"/)[1];
  const twice = {...connection({name: 'twice', token: world.tokens['backup-one'][0]})[1], once};
  const answers = await Promise.all([post(page, address, twice), post(page, address, twice)]);
  const ways = answers.map((answer) => `${answer.status()} ${answer.headers().location}`);
  assert.equal(ways[0], ways[1]);
  assert.match(ways[0], /^303 /);

  step('a plan run twice at once is one task');
  const runs = (await hrefs(page, at('/plans'), /\/plans\/[^/]+\/edit$/))[0].replace(/\/edit$/, '/tasks');
  const tasks = await Promise.all([post(page, runs, {}), post(page, runs, {})]);
  assert.equal(tasks[0].headers().location, tasks[1].headers().location);

  step('a change of the clock');
  await tab(page, 'Plans');
  await page.getByRole('link', {name: 'Edit plan nightly'}).click();
  await openSection(page, 'Schedule');
  await panel(page).getByRole('radio', {name: /^By a cron expression/}).check();
  const day = nextChangeInBerlin();
  await field(panel(page), /^Cron expression/).fill(`30 2 ${day.getUTCDate()} 3 *`);
  await field(panel(page), /^Time zone/).fill('Europe/Berlin');
  await button(panel(page), 'Show the next times').click();
  await reads(panel(page), /The clocks of Europe\/Berlin go forward on .*: 02:30 does not exist that day, so the plan runs at 03:00\./);
  await saveSection(page);

  step('a plan that is gone when its form is sent');
  const stale = await console.window({storageState: await page.context().storageState()});
  await stale.goto(plan);
  await sees(heading(panel(stale), 'Edit backup plan'));
  await page.goto(plan.replace(/\/edit$/, '/remove'));
  await field(panel(page), /^Type/).fill('nightly').catch(() => {});
  await panel(page).getByRole('button', {name: /^Remove/}).click();
  stale.allowed = new Set([404]);
  await button(panel(stale), 'Save').last().click();
  await reads(stale, /removed|not found/i);
});

async function hrefs(page, address, pattern) {
  const html = await (await page.request.get(`${world.base}${address}`)).text();
  const found = [...html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href).filter((href) => pattern.test(href));
  return [...new Set(found)];
}

function post(page, address, values) {
  return page.request.post(`${world.base}${address}`, {
    data: new URLSearchParams(values).toString(),
    headers: {'content-type': 'application/x-www-form-urlencoded', origin: world.base},
    maxRedirects: 0,
  });
}

/** The words of a page. */
function plain(html) {
  return html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function errors(html) {
  return [...html.matchAll(/class="error"[^>]*>(.*?)<\/div>/gs)].map(([, error]) => plain(error)).join('\n');
}

/** The last Sunday of the next March, when Berlin's clocks go from 02:00 to 03:00. */
function nextChangeInBerlin(now = new Date()) {
  for (let year = now.getUTCFullYear(); ; year += 1) {
    const last = new Date(Date.UTC(year, 2, 31));
    last.setUTCDate(31 - last.getUTCDay());
    if (last > now) return last;
  }
}
