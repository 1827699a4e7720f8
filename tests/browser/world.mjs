// What the tests have around the browser: the authorization server of `tests/interop`, the app, folders. Everything that is
// started here is ended by its pid when the test ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const here = import.meta.dirname;
export const target = process.env.CARGO_TARGET_DIR ?? join(here, '../../target');

// How long a test waits for something that must happen: long, for machines with much else to do.
const PATIENCE = 40_000;

export const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

// Waits until the function returns something.
export async function until(what, find) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < end, `in vain: ${what}`);
    await pause(20);
  }
}

const cleanups = new WeakMap();

// Cleans up after the test, the latest first: what was started later may use what was there before.
export function atEnd(t, cleanup) {
  if (!cleanups.has(t)) {
    cleanups.set(t, []);
    t.after(async () => {
      for (const clean of cleanups.get(t).reverse()) await clean();
    });
  }
  cleanups.get(t).push(cleanup);
}

// A folder that is removed with the test.
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'oauth-proto-browser-'));
  atEnd(t, () => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return path;
}

// Ends a process and waits for its end.
export async function end(child, signal = 'SIGKILL') {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

// `oidc-provider`, and where it is: see `tests/interop/server.mjs`.
export async function authorizationServer(t) {
  const child = spawn('node', ['server.mjs'], { cwd: join(here, '../interop'), stdio: ['pipe', 'pipe', 'pipe'] });
  atEnd(t, () => end(child));
  let complaints = '';
  child.stderr.on('data', (text) => { complaints += text; });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => assert.fail(`server.mjs did not start:\n${complaints}`)),
  ]);
  return JSON.parse(line);
}

// The app of this folder. Its events come from a file, because the browser may start instances of it, too.
export class App {
  constructor(t, path = folder(t)) {
    this.t = t;
    this.folder = path;
    this.binary = join(target, 'debug/oauth-proto-browser');
    assert.ok(existsSync(this.binary), 'the app is not built: run `tests/browser/run`');
  }

  start(args, environment = {}) {
    this.heard = 0;
    this.child = spawn(this.binary, [this.folder, ...args], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    const { child } = this;
    atEnd(this.t, () => end(child));
    return this;
  }

  get events() {
    try {
      const lines = readFileSync(join(this.folder, 'events'), 'utf8').split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  }

  // The next event of this name; those before it are passed over.
  async next(name) {
    const event = await until(`event ${name}, after ${JSON.stringify(this.events.map(({ event: it }) => it))}`, () => {
      const at = this.events.findIndex(({ event }, index) => index >= this.heard && event === name);
      if (at < 0) return undefined;
      this.heard = at + 1;
      return this.events[at];
    });
    return event;
  }

  say(command) {
    this.child.stdin.write(`${command}\n`);
  }

  // Ends it at once: it can store nothing any more.
  kill() {
    return end(this.child);
  }

  // Closes its standard input, and waits until the app has ended by itself.
  async quit() {
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    const [code] = await ended;
    assert.equal(code, 0, 'the app ends well');
  }
}
