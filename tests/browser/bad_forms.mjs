// Every form there is takes whatever is typed into it: with a sentence, or as plain text, never with a fault of ours.

import assert from 'node:assert/strict';

import {setUp} from './acts.mjs';
import {drive, step, world} from './console.mjs';
import {crawl} from './crawl.mjs';

const LONG = 'a'.repeat(10_000);
const MARKUP = '<script>alert(1)</script>"\'><img src=x onerror=alert(2)>';
const CONTROL = 'a\u0000b\u0007c\u001b[31md\u202ee\nf\r\ng';

/** Leaving is tried elsewhere: afterwards nobody is signed in. */
const LEAVING = /\/logout$|\/sessions\b/;

drive(async (console) => {
  const page = await console.window();
  await setUp(page, world.tenant);
  const {pages} = await crawl(page);
  const tried = new Set();
  const faults = [];
  for (const [, address] of pages) {
    await page.goto(address);
    for (const form of await forms(page)) {
      const name = `${form.action} ${form.fields.map((field) => field.name).join()}`;
      if (form.fields.every((field) => !field.free) || tried.has(name) || LEAVING.test(form.action)) continue;
      tried.add(name);
      for (const [what, junk] of Object.entries({LONG, MARKUP, CONTROL})) {
        step(`${what} in ${form.method} ${form.action} of ${address}`);
        const answer = await send(page, form, junk);
        const body = await answer.text();
        const status = answer.status();
        const fault = (sentence) => faults.push(`${what} in ${form.method} ${form.action}: ${sentence}`);
        // What is looked for stands in the address: there is no form to show again.
        const refused = form.method === 'get' && status === 400 && body.includes('This did not work');
        if (![200, 303, 409, 422].includes(status) && !refused) fault(`answered with ${status}`);
        if (body.includes('<script>alert') || body.includes('<img src=x')) fault('markup comes back as markup');
        if (status === 422 && !/class="error"|role="alert"/.test(body)) fault('refused without a sentence');
        if (body.length > 400_000) fault(`answered with ${body.length} bytes`);
      }
    }
  }
  assert.ok(tried.size >= 8, `only ${tried.size} forms were found`);
  // What was taken must be shown as text wherever it stands now.
  for (const [, address] of (await crawl(page)).pages) {
    const body = await (await page.context().request.get(address)).text();
    if (body.includes('<script>alert') || body.includes('<img src=x')) faults.push(`${address} shows markup as markup`);
  }
  assert.deepEqual(faults, []);
});

/** Forms of a page, with what they hold now. */
async function forms(page) {
  return page.evaluate(() =>
    [...document.forms].map((form) => ({
      action: form.getAttribute('action').split('?')[0],
      // A field may be called like the property.
      address: new URL(form.getAttribute('action'), location.href).href,
      method: form.getAttribute('method') ?? 'get',
      fields: [...form.elements]
        .filter((field) => field.name && (field.type !== 'checkbox' || field.checked) && (field.type !== 'radio' || field.checked))
        .map((field) => ({
          name: field.name,
          value: field.value,
          free: ['text', 'search', 'email', 'password', 'textarea', 'number', 'url', 'tel'].includes(field.type),
        })),
    })),
  );
}

async function send(page, form, junk) {
  const values = new URLSearchParams(form.fields.map(({name, value, free}) => [name, free ? junk : value]));
  const {request} = page.context();
  if (form.method === 'get') {
    // An address has room for less.
    return request.get(`${form.address.split('?')[0]}?${values.toString().slice(0, 6000)}`);
  }
  return request.post(form.address, {
    data: values.toString(),
    headers: {'content-type': 'application/x-www-form-urlencoded', origin: world.base},
    maxRedirects: 0,
  });
}
