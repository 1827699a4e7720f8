// What the tests share: the server with the page, and the module under Node.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { start } from '../server.mjs';

// The folder with the compiled module.
const folder = process.env.PKG;
assert(folder, 'PKG must name the folder that examples/web/build has written to');

export async function world(t, client) {
  const running = await start(folder, { client, lifetime: 3 });
  t.after(() => running.stop());
  return running;
}

const { App, initSync } = await import(pathToFileURL(join(folder, 'oauth_proto_web.js')));
initSync({ module: await readFile(join(folder, 'oauth_proto_web_bg.wasm')) });

// The app under Node, with the steps that it has taken.
export function appOf(settings) {
  const steps = [];
  const app = new App(JSON.stringify(settings), (step) => steps.push(step));
  return { app, steps };
}

// What the steps say, in short: "Ready -Start> Discovering".
export const path = (steps) => steps.map(({ from, event, to }) => `${from} -${event}> ${to}`);

// What the steps of a login are here, from the beginning to the end.
export const LOGIN = [
  'Ready -Start> Discovering',
  'Discovering -ResponseReceived: 200> AwaitingRedirect',
  'AwaitingRedirect -RedirectReceived> ExchangingCode',
  'ExchangingCode -ResponseReceived: 200> FetchingKeys',
  'FetchingKeys -ResponseReceived: 200> Verifying',
  'Verifying -Verified: true> Finished',
];

// And those of an API call whose access token has to be refreshed. The refresh brings an ID token too.
export const REFRESH = [
  'Active -access()> Refreshing',
  'Refreshing -ResponseReceived: 200> Active',
  'Active -access()> Active',
  'Active -Verified: true> Active',
  'Active -access()> Active',
];
