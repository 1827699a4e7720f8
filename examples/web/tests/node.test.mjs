// The module under Node, at a certified server; and what it makes of the answers of a `fetch` that is not the real one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { walk } from './person.mjs';
import { appOf, LOGIN, path, REFRESH, world } from './world.mjs';

const TOKEN = '/token';

// Until the test is over, requests to paths with this end are answered by the function, which may go on to the real `fetch`.
function answerInstead(t, end, answer) {
  const real = globalThis.fetch;
  globalThis.fetch = (request, options) => {
    const go = () => real(request, options);
    return new URL(request.url ?? request).pathname.endsWith(end) ? answer(request, go) : go();
  };
  t.after(() => { globalThis.fetch = real; });
}

async function loggedIn(settings) {
  const { app, steps } = appOf(settings);
  await app.finish(await walk(await app.begin()));
  return { app, steps };
}

test('a login, two calls, a refresh, a sign-out', async (t) => {
  const { settings } = await world(t);
  const { app, steps } = await loggedIn(settings);
  assert.deepEqual(path(steps), LOGIN);
  assert.equal(app.phase, 'Active');

  steps.length = 0;
  assert.match(await app.call_api(), /^200 \{"sub":"ada"/);
  assert.deepEqual(path(steps), ['Active -access()> Active']);

  await sleep(3100);
  steps.length = 0;
  assert.match(await app.call_api(), /^200 \{"sub":"ada"/);
  assert.deepEqual(path(steps), REFRESH);

  steps.length = 0;
  const url = await app.begin_sign_out();
  assert.deepEqual(path(steps), ['Active -sign_out()> SigningOut', 'SigningOut -ResponseReceived: 200> LoggingOut']);
  assert.equal(new URL(await walk(url)).pathname, '/loggedout');
  await assert.rejects(app.call_api(), { name: 'signed_out' });
});

test('a login that is saved goes on in another app, and a foreign redirect does not end it', async (t) => {
  const { settings } = await world(t);
  const before = appOf(settings);
  const redirect = await walk(await before.app.begin());
  const { app } = appOf(settings);
  app.resume(before.app.save());
  await assert.rejects(app.finish(`${settings.redirect_uri}?code=forged&state=forged`), { name: 'state_mismatch' });
  assert.equal(app.phase, 'AwaitingRedirect');
  await app.finish(redirect);
  assert.equal(app.phase, 'Active');
  assert.equal(app.save(), undefined);
});

test('requests carry no cookie, follow no redirect, are not stored, and name no referrer', async (t) => {
  const { settings } = await world(t);
  const seen = [];
  answerInstead(t, TOKEN, (request, go) => (seen.push(request), go()));
  await loggedIn(settings);
  assert.equal(seen.length, 1);
  const { credentials, redirect, cache, referrerPolicy, method, signal } = seen[0];
  assert.deepEqual([method, credentials, redirect, cache, referrerPolicy], ['POST', 'omit', 'manual', 'no-store', 'no-referrer']);
  assert(signal instanceof AbortSignal);
});

test('an opaque redirect is a redirect', async (t) => {
  const { settings } = await world(t);
  answerInstead(t, TOKEN, () => Promise.resolve({ type: 'opaqueredirect', status: 0 }));
  await assert.rejects(loggedIn(settings), { name: 'redirect_refused' });
});

test('when no answer comes to the code, the login ends: the code may have been used', async (t) => {
  const { settings } = await world(t);
  answerInstead(t, TOKEN, () => Promise.reject(new TypeError('Failed to fetch')));
  await assert.rejects(loggedIn(settings), { name: 'outcome_unknown' });
});

test('when an answer breaks off, it is as if none had come', async (t) => {
  const { settings } = await world(t);
  const body = () => new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"access_token":'));
      controller.error(new TypeError('broken'));
    },
  });
  answerInstead(t, TOKEN, () => Promise.resolve(new Response(body(), { headers: { 'content-type': 'application/json' } })));
  await assert.rejects(loggedIn(settings), { name: 'outcome_unknown' });
});

test('metadata is requested three times, and then the person is told', async (t) => {
  const { settings } = await world(t);
  let asked = 0;
  answerInstead(t, '', () => Promise.reject(new TypeError((asked += 1))));
  await assert.rejects(appOf(settings).app.begin(), { name: 'unreachable' });
  assert.equal(asked, 3);
});

test('of an answer without end, no more is read than may be', async (t) => {
  const { settings } = await world(t);
  const chunk = new Uint8Array(64 * 1024).fill(32);
  let [read, cancelled] = [0, false];
  const body = () => new ReadableStream({
    pull(controller) {
      read += chunk.length;
      controller.enqueue(chunk);
    },
    cancel() { cancelled = true; },
  });
  answerInstead(t, TOKEN, () => Promise.resolve(new Response(body(), { headers: { 'content-type': 'application/json' } })));
  await assert.rejects(loggedIn(settings), { name: 'response_too_large' });
  assert(cancelled);
  assert(read <= 1024 * 1024 + 3 * chunk.length, `${read} bytes`);
});

for (const algorithm of ['ES256', 'RS256', 'PS256']) {
  const client = `native-app-${algorithm.toLowerCase()}`;

  test(`an ID token signed with ${algorithm} is verified by SubtleCrypto`, async (t) => {
    const { settings } = await world(t, client);
    const { app, steps } = await loggedIn(settings);
    assert.equal(app.user, 'ada Müller');
    assert.equal(steps.find(({ to }) => to === 'Verifying').action, `Verify: ${algorithm}`);
  });

  test(`a forged ID token with ${algorithm} is refused`, async (t) => {
    const { settings } = await world(t, client);
    answerInstead(t, TOKEN, async (_request, go) => {
      const answer = await go();
      const tokens = await answer.json();
      const [header, payload, signature] = tokens.id_token.split('.');
      const octets = Buffer.from(signature, 'base64url');
      octets[octets.length - 1] ^= 1;
      tokens.id_token = [header, payload, octets.toString('base64url')].join('.');
      return new Response(JSON.stringify(tokens), answer);
    });
    const { app, steps } = appOf(settings);
    const redirect = await walk(await app.begin());
    await assert.rejects(app.finish(redirect), { name: 'id_token_signature' });
    assert.equal(path(steps).at(-1), 'Verifying -Verified: false> Failed');
    assert.equal(app.phase, 'Failed');
    assert.equal(app.user, undefined);
  });
}

test('another algorithm than the app verifies is refused', async (t) => {
  const { settings } = await world(t, 'native-app-es384');
  await assert.rejects(loggedIn(settings), { name: 'id_token_alg_not_allowed' });
});
