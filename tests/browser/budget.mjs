// What a page costs in bytes: whoever comes for the first time, and whoever comes back.

import assert from 'node:assert/strict';

import {setUp} from './acts.mjs';
import {drive, settled, step, world} from './console.mjs';
import {crawl} from './crawl.mjs';

const FIRST_VIEW = 150_000;
const LATER_VIEW = 12_000;

drive(async (console) => {
  const page = await console.window();
  await setUp(page, world.tenant);
  const {pages} = await crawl(page);
  const signedIn = await page.context().storageState();
  const dear = [];
  for (const [kind, address] of [['/login', '/login'], ...pages]) {
    step(address);
    const fresh = await console.window({storageState: kind === '/login' ? undefined : signedIn});
    const first = await cost(fresh, address);
    const later = await cost(fresh, address);
    if (first > FIRST_VIEW) dear.push(`${kind} costs ${first} bytes at first`);
    if (later > LATER_VIEW) dear.push(`${kind} costs ${later} bytes again`);
    // A page that costs nothing was not measured.
    assert.ok(first > later && later > 500, `${kind} costs ${first}, then ${later} bytes`);
    await fresh.context().close();
  }
  assert.deepEqual(dear, []);
});

/** Bytes over the wire, headers included, until a page is whole. */
async function cost(page, address) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({encodedDataLength}) => {
    bytes += encodedDataLength;
  });
  await page.goto(address, {waitUntil: 'load'});
  await settled(page);
  await session.detach();
  return bytes;
}
