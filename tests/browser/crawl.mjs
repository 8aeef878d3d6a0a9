// Every page that links lead to, one of each kind.

import {world} from './console.mjs';

/** How many pages of a kind are searched for links: what one task does not offer, another may. */
const SEARCHED = 8;

const NOT_PAGES = /^\/static\//;

/** Where the ways through the console begin for somebody who is signed in. */
const BEGINNINGS = ['/', '/account'];

/**
 * Follows links as the person of a window, without drawing anything. Answers the kinds of pages with an example each,
 * `/t/first/tasks/{id}` with `/t/first/tasks/0198…`, and every address that was reached, downloads too.
 */
export async function crawl(page, further = []) {
  const from = [...BEGINNINGS, ...further];
  const kinds = new Map();
  const seen = new Set(from);
  const open = [...from];
  while (open.length > 0) {
    const address = open.shift();
    const kind = kindOf(address);
    const known = kinds.get(kind) ?? {searched: 0, example: undefined};
    kinds.set(kind, known);
    if (known.searched >= SEARCHED) continue;
    known.searched += 1;
    const answer = await page.context().request.get(`${world.base}${address}`, {headers: {accept: 'text/html'}});
    const type = answer.headers()['content-type'] ?? '';
    if (!answer.ok()) throw new Error(`${address}, which a page links to, is answered with ${answer.status()}`);
    if (!type.startsWith('text/html')) continue;
    known.example ??= new URL(answer.url()).pathname === address.split('?')[0] ? address : undefined;
    for (const found of [...links(await answer.text()), ...sections(address)]) {
      if (seen.has(found) || NOT_PAGES.test(found)) continue;
      seen.add(found);
      open.push(found);
    }
  }
  const pages = [...kinds].filter(([, {example}]) => example).map(([kind, {example}]) => [kind, example]);
  return {pages, reached: [...seen].map((address) => address.split('?')[0])};
}

/** Where the links of a page lead, within this installation. */
function links(html) {
  return [...html.matchAll(/<a\b[^>]*?\shref="(\/[^"#]*)/g)].map(([, address]) => address.replaceAll('&amp;', '&'));
}

/** The sections of a plan: buttons lead there, because they keep what was typed. */
function sections(address) {
  if (!/\/plans\/(new|[^/]+\/edit)$/.test(address)) return [];
  const names = ['sources', 'content', 'storage', 'schedule', 'retention', 'advanced'];
  if (!address.endsWith('/new')) names.push('compare');
  return names.map((name) => `${address}/${name}`);
}

/** The address without what differs between things of one kind. */
function kindOf(address) {
  return address
    .split('?')[0]
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '{id}');
}
