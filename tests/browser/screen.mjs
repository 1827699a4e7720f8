// A screen without a monitor (Xvfb), and a person's desktop on it: which program opens which URL.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium, PROGRAM, ROOT_ARGUMENTS } from './chromium.mjs';
import { atEnd, end, folder } from './world.mjs';

// The number of the display.
async function xvfb(t) {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (text) => { complaints += text; });
  atEnd(t, () => end(child, 'SIGTERM'));
  const [number] = await Promise.race([
    once(createInterface({ input: child.stdio[3] }), 'line'),
    once(child, 'exit').then(() => assert.fail(`Xvfb did not start:\n${complaints}`)),
  ]);
  return `:${number}`;
}

// A home directory of its own, in which `xdg-open` finds Chromium for web pages, and `handlers` for other schemes: the command
// line of each. Returns Chromium, and the environment of the programs on this desktop.
export async function desktop(t, { handlers = {}, allowed = {}, args = [] } = {}) {
  const home = folder(t);
  const profile = join(home, 'chromium');
  const applications = join(home, 'data/applications');
  for (const path of [applications, join(home, 'config'), join(home, 'run'), join(profile, 'Default')]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  const programs = {
    http: [PROGRAM, ...ROOT_ARGUMENTS, `--user-data-dir=${profile}`, '%U'],
    ...Object.fromEntries(Object.entries(handlers).map(([scheme, command]) => [scheme, [...command, '%u']])),
  };
  const defaults = Object.entries(programs).map(([scheme, command]) => {
    const name = `oauth-proto-${scheme}.desktop`;
    writeFileSync(join(applications, name), `[Desktop Entry]\nType=Application\nName=${scheme}\nExec=${command.join(' ')}\n`
      + `MimeType=x-scheme-handler/${scheme};\n`);
    return `x-scheme-handler/${scheme}=${name}\n`;
  });
  writeFileSync(join(home, 'config/mimeapps.list'), `[Default Applications]\n${defaults.join('')}`);
  // What a person has said before: that pages of this origin may open the app. Otherwise Chromium asks.
  const preferences = { protocol_handler: { allowed_origin_protocol_pairs: allowed } };
  writeFileSync(join(profile, 'Default/Preferences'), JSON.stringify(preferences));

  const { BROWSER, WAYLAND_DISPLAY, XDG_CURRENT_DESKTOP, DESKTOP_SESSION, ...others } = process.env;
  const env = {
    ...others,
    HOME: home,
    DISPLAY: await xvfb(t),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
  };
  atEnd(t, () => endAllAt(home));
  return { browser: await chromium(t, { headless: false, userDataDir: profile, env, args }), env };
}

// Ends the programs that were started by programs of this desktop: nobody else knows their pids.
function endAllAt(home) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`)) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, or is another user's.
    }
  }
}

// What any program may do: `xdg-open URL`.
export async function xdgOpen(url, env) {
  const child = spawn('xdg-open', [url], { env, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, 'xdg-open finds a program');
}
