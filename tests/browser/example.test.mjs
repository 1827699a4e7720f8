// The example `login` as a person runs it: on a desktop, with the system's browser, at its own server and at `oidc-provider`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { checkOurs, person, Tab } from './chromium.mjs';
import { desktop } from './screen.mjs';
import { atEnd, authorizationServer, end, target, until } from './world.mjs';

// What the example has printed so far, and how it ended.
async function example(t, ...args) {
  const program = join(target, 'debug/examples/login');
  assert.ok(existsSync(program), 'the example is not built: run `tests/browser/run`');
  const { browser, env } = await desktop(t);
  // Its standard input stays open, as in a terminal: otherwise nobody could paste a redirect.
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  atEnd(t, () => end(child));
  const run = { browser, printed: '', ended: once(child, 'exit') };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { run.printed += text; });
  run.prints = (words) => until(`${words} in:\n${run.printed}`, () => words.exec(run.printed));
  return run;
}

test('the example, from its login to its logout', { timeout: 60_000 }, async (t) => {
  const run = await example(t);
  const [, server] = await run.prints(/authorization +(http:\S+) +\(embedded\)/);
  const [, listener] = await run.prints(/redirect URI +(http:\/\/127\.0\.0\.1:\d+)/);
  const tab = await Tab.opened(run.browser, `${server}/authorize`);
  await checkOurs(tab, 'example-login', { heading: 'Log in', says: [/would like to act for you/] });
  await tab.click('button[value=allow]');
  await tab.at(`${listener}/callback`);
  await checkOurs(tab, 'example-logged-in', { heading: 'Return to the app', says: [/You can close this window/] });

  // The access token expires and is refreshed; then the browser is opened once more.
  const logout = await Tab.opened(run.browser, `${server}/logout`);
  await checkOurs(logout, 'example-logout', { heading: 'Log out?' });
  await logout.click('form button');
  await logout.at(`${listener}/loggedout`);
  await checkOurs(logout, 'example-logged-out', { heading: 'Signed out' });
  assert.deepEqual(await run.ended, [0, null], run.printed);
  assert.match(run.printed, /Done\./);
});

test('the example, and a user who says no', { timeout: 60_000 }, async (t) => {
  const run = await example(t);
  const [, listener] = await run.prints(/redirect URI +(http:\/\/127\.0\.0\.1:\d+)/);
  const [, server] = await run.prints(/authorization +(http:\S+) +\(embedded\)/);
  const tab = await Tab.opened(run.browser, `${server}/authorize`);
  await tab.page.waitForSelector('h1');
  await tab.click('button[value=deny]');
  await tab.at(`${listener}/callback`);
  await checkOurs(tab, 'example-denied', { heading: 'Not logged in', says: [/access_denied/] });
  assert.deepEqual(await run.ended, [1, null], run.printed);
});

test('the example at oidc-provider', { timeout: 60_000 }, async (t) => {
  const server = await authorizationServer(t);
  const run = await example(t, '--issuer', server.issuer, '--client-id', 'native-app', '--prompt', 'consent',
    '--post-logout-redirect-uri', 'http://127.0.0.1/loggedout', '--wait', '1');
  const [, listener] = await run.prints(/redirect URI +(http:\/\/127\.0\.0\.1:\d+)/);
  const tab = await Tab.opened(run.browser, `${server.issuer}/interaction`);
  await person.signsIn(tab);
  await person.consents(tab);
  await tab.at(`${listener}/callback`);
  assert.equal(await tab.heading, 'Return to the app');

  const logout = await Tab.opened(run.browser, server.end_session_endpoint);
  await logout.click('button[name=logout]');
  await logout.at(`${listener}/loggedout`);
  assert.equal(await logout.heading, 'Signed out');
  assert.deepEqual(await run.ended, [0, null], run.printed);
  assert.match(run.printed, /ada/);
});
