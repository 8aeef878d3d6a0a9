// A channel is added and tried, the host revokes a token, and somebody is told: on the channel, in the bar of every page, and on
// the page with the alerts, where she says that she has seen it.

import assert from 'node:assert/strict';
import {createHmac} from 'node:crypto';
import {createServer} from 'node:http';

import {addAccount, addOrganization, addWebhook, at, checkAgain, setUp} from './acts.mjs';
import {button, drive, field, heading, link, mutate, panel, reads, sees, step, until} from './console.mjs';

const secret = 'a secret of both sides';

/** Listens on this machine, and keeps what it hears. */
async function listen() {
  const heard = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      heard.push({headers: request.headers, body});
      response.end('heard');
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  // A script that fails must end, whoever listens.
  server.unref();
  return {heard, address: `http://127.0.0.1:${server.address().port}/alerts`};
}

function signed({headers, body}) {
  const text = `${headers['x-holdfast-timestamp']}.${body}`;
  return `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;
}

drive(async (console) => {
  const page = await console.window();
  const ears = await listen();
  await setUp(page);
  await addOrganization(page, 'backup-main');
  await addAccount(page, 'backup-one');

  step('nothing is wrong yet');
  await page.goto(at('/plans'));
  await link(page, 'Alerts').click();
  await sees(heading(page, 'No open alerts'));
  await addWebhook(page, 'on call', 'http://10.0.0.1/alerts', secret);
  await reads(panel(page), 'would send alerts in clear');
  await field(panel(page), 'Address').fill(ears.address);
  await field(panel(page), 'Secret').fill(secret);
  await button(panel(page), 'Add channel').click();
  await sees(page.getByRole('row', {name: /on call.*Not tried yet/}));

  step('Test now');
  await page.getByRole('button', {name: /^Test now/}).click();
  await sees(page.getByRole('row', {name: /on call.*Test heard/}));
  assert.equal(JSON.parse(ears.heard[0].body).event, 'test');
  assert.equal(ears.heard[0].headers['x-holdfast-signature-256'], signed(ears.heard[0]));

  step('the host revokes a token, and somebody is told');
  await mutate({kind: 'revoke_tokens', login: 'backup-one'});
  await checkAgain(page);
  await until('the channel hears of it', async () => {
    // Whoever asks without a pause keeps the server of this script from listening.
    await new Promise((done) => setImmediate(done));
    return ears.heard.length === 2;
  });
  const told = JSON.parse(ears.heard[1].body);
  assert.equal(told.kind, 'credential_dead');
  assert.equal(ears.heard[1].headers['x-holdfast-signature-256'], signed(ears.heard[1]));

  step('the alert is seen and acknowledged');
  await until('the bar shows it', async () => {
    await page.goto(at('/plans'));
    return (await link(page, 'Alerts, 1 open').count()) > 0;
  });
  await link(page, 'Alerts, 1 open').click();
  const row = page.getByRole('row', {name: /Credential refused.*backup-one of acme/});
  await sees(row);
  await until('the page shows that it was told', async () => {
    await page.goto(at('/alerts'));
    return (await row.getByText('Told on 1 channel').count()) > 0;
  });
  await row.getByRole('button', {name: /^Acknowledge/}).click();
  await sees(row.getByText('Acknowledged'));
  await sees(link(page, 'Alerts'));
});
