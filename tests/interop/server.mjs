// The other side of the interop tests: `oidc-provider` as the authorization server, and two small APIs that check the
// access tokens. All listen on 127.0.0.1, on ports that the system chooses. The first line on stdout is one JSON
// object that says where they are. The process ends when its stdin closes, so it cannot outlive the test. The first
// argument is the path of the issuer, `/` or `/tenant`; the second is its origin, if that is a proxy's.
//
// A test that has a server of its own can do things to it, at the origin `control`:
//   POST /rotate    {"forget": true, "sameNames": true}
//                                         signs with new keys from now on; forgets the old ones, or publishes them as well
//   POST /metadata  {"name": value}       lies in the metadata documents
//   POST /hide      ["/path"]             answers 404 there, and only there
//   POST /grace     seconds               takes a refresh token again for so long after its first use
//   POST /refuse    {"error": "…"}        answers the next token request so
//   GET  /requests                        how often each path was asked for: {"GET /jwks": 1}

import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

// The provider prints its notices with `console.info`: stdout is for the one line.
console.info = console.error;
console.log = console.error;

const { AuthorizationServer } = await import('./authorization_server.mjs');
const { answer, apis, resourcesOf } = await import('./apis.mjs');
const { allowGrace } = await import('./store.mjs');

process.stdin.resume();
process.stdin.once('end', () => process.exit(0));
process.stdin.once('error', () => process.exit(0));

async function listen() {
  const server = createServer();
  await new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', done);
  });
  return [server, `http://127.0.0.1:${server.address().port}`];
}

const [issuing, origin] = await listen();
const [api, apiOrigin] = await listen();
const [files, filesOrigin] = await listen();
const [control, controlOrigin] = await listen();

const issuer = `${process.argv[3] ?? origin}${process.argv[2] ?? ''}`;
const base = issuer.replace(/\/$/, '');
const authorizationServer = await AuthorizationServer.on(issuer, resourcesOf(apiOrigin, filesOrigin));
issuing.on('request', (request, response) => authorizationServer.handle(request, response));

const serve = apis(issuer, () => authorizationServer.keys, apiOrigin, filesOrigin);
api.on('request', serve(apiOrigin));
files.on('request', serve(filesOrigin));

const orders = {
  'POST /rotate': async (order) => authorizationServer.rotate(await json(order)),
  'POST /metadata': async (order) => authorizationServer.metadata(await json(order)),
  'POST /hide': async (order) => authorizationServer.hide(await json(order)),
  'POST /grace': async (order) => allowGrace(await json(order)),
  'POST /refuse': async (order) => authorizationServer.refuse(await json(order)),
  'GET /requests': () => authorizationServer.requests,
};
control.on('request', async (request, response) => {
  const order = orders[`${request.method} ${request.url}`];
  if (!order) return answer(response, 404);
  return answer(response, 200, undefined, await order(request));
});

process.stdout.write(`${JSON.stringify({
  listens_at: origin,
  issuer,
  authorization_endpoint: `${base}/auth`,
  token_endpoint: `${base}/token`,
  revocation_endpoint: `${base}/token/revocation`,
  end_session_endpoint: `${base}/session/end`,
  jwks_uri: `${base}/jwks`,
  userinfo_endpoint: `${base}/me`,
  api: apiOrigin,
  files: filesOrigin,
  control: controlOrigin,
})}\n`);
