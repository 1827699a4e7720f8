// Serves the page, with an authorization server and an API to try it at: those of `tests/interop`. All listen on 127.0.0.1, on
// ports that the system chooses; the page, the authorization server and the API are three origins, as they are in real life.
//
//   node server.mjs FOLDER [CLIENT]    FOLDER has the compiled module; CLIENT is a client of tests/interop/provider.mjs

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The provider has notices for people who run it in earnest.
console.info = () => {};

const { AuthorizationServer } = await import('../../tests/interop/authorization_server.mjs');
const { apis } = await import('../../tests/interop/apis.mjs');

const here = fileURLToPath(new URL('.', import.meta.url));
const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

async function listen() {
  const server = createServer();
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  return [server, `http://127.0.0.1:${server.address().port}`];
}

// The files of the page, by their paths. The page itself is also at the redirect URIs.
function filesOf(folder) {
  const page = (name) => join(here, 'page', name);
  return {
    '/': page('index.html'),
    '/callback': page('index.html'),
    '/loggedout': page('index.html'),
    '/style.css': page('style.css'),
    '/main.js': page('main.js'),
    '/login.svg': join(here, '../../docs/login.svg'),
    '/session.svg': join(here, '../../docs/session.svg'),
    '/pkg/oauth_proto_web.js': join(folder, 'oauth_proto_web.js'),
    '/pkg/oauth_proto_web_bg.wasm': join(folder, 'oauth_proto_web_bg.wasm'),
  };
}

// No script but the page's own, and no origin to talk to but these. The address with the code is sent to nobody as `Referer`.
const headersOf = (origins) => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    'img-src data:',
    `connect-src 'self' ${origins.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
});

async function servePage(files, headers, settings, request, response) {
  const path = request.url.split('?')[0];
  const [type, body] = path === '/settings.json'
    ? ['.json', JSON.stringify(settings)]
    : [extname(files[path] ?? ''), files[path] && await readFile(files[path])];
  response.writeHead(body ? 200 : 404, { ...headers, 'content-type': types[type] ?? 'text/plain' });
  response.end(body ?? 'Not here.');
}

// An API lets the page read its answers, and the header in which it says what it wants.
function withCors(origin, serve) {
  return (request, response) => {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', 'www-authenticate');
    if (request.method !== 'OPTIONS') return serve(request, response);
    response.writeHead(204, { 'access-control-allow-headers': 'authorization', 'access-control-allow-methods': 'GET' });
    return response.end();
  };
}

// Starts everything; gives the URL of the page, its settings, and `stop`. An access token is good for so many seconds: a person
// who calls the API later sees a refresh.
export async function start(folder, { client = 'native-app', lifetime = 20 } = {}) {
  const [issuing, issuer] = await listen();
  const [apiServer, api] = await listen();
  const [pages, origin] = await listen();

  const authorizationServer = await AuthorizationServer.on(issuer, { [`${api}/`]: { ttl: lifetime } });
  issuing.on('request', (request, response) => authorizationServer.handle(request, response));
  const serve = apis(issuer, () => authorizationServer.keys, api)(api);
  apiServer.on('request', withCors(origin, serve));

  const settings = {
    issuer,
    client_id: client,
    redirect_uri: `${origin}/callback`,
    post_logout_redirect_uri: `${origin}/loggedout`,
    scope: 'openid profile offline_access read',
    resource: `${api}/`,
    api: `${api}/messages`,
    api_origin: api,
  };
  const headers = headersOf([issuer, api]);
  const files = filesOf(folder);
  pages.on('request', (request, response) => servePage(files, headers, settings, request, response));

  const servers = [issuing, apiServer, pages];
  const stop = () => servers.forEach((server) => (server.close(), server.closeAllConnections()));
  return { page: `${origin}/`, settings, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { page } = await start(process.argv[2], { client: process.argv[3] });
  console.log(`Open ${page} in a browser of this machine. At the login, any name and password will do. Ctrl-C ends it.`);
}
