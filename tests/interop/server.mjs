// The other side of the interop tests: `oidc-provider` as the authorization server, and a small API that checks the
// access tokens. Both listen on 127.0.0.1, on ports that the system chooses. The first line on stdout is one JSON
// object that says where they are. The process ends when its stdin closes, so it cannot outlive the test.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

// The provider prints its notices with `console.info`: stdout is for the one line.
console.info = console.error;
console.log = console.error;

const { default: Provider, errors } = await import('oidc-provider');
const jose = await import('jose');

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

const [authorizationServer, issuer] = await listen();
const [api, apiOrigin] = await listen();

// RFC 8707: the resource indicators, which are also the audiences that the API asks for.
const resources = {
  [`${apiOrigin}/`]: { ttl: 300 },
  [`${apiOrigin}/brief/`]: { ttl: 3 },
};

const { privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
const key = { ...(await jose.exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'one' };

// RFC 8252: a public native client, on loopback (any port) and on a private-use scheme.
const native = {
  client_id: 'native-app',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'com.example.app:/oauth2redirect'],
};

const provider = new Provider(issuer, {
  clients: [native],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  responseTypes: ['code'],
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  // Every login name is an account.
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo(_ctx, resource) {
        if (!resources[resource]) throw new errors.InvalidTarget();
        return {
          scope: 'read write',
          accessTokenTTL: resources[resource].ttl,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
  ttl: {
    AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 300,
    Session: 600,
    Grant: 600,
    Interaction: 600,
    IdToken: 300,
    RefreshToken: 600,
  },
});
provider.on('server_error', (_ctx, error) => console.error(error));
authorizationServer.on('request', provider.callback());

// The API. RFC 6750 §3 says what its refusals look like.

const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));

// path: the audience, the scope and the authentication that it asks for.
const routes = {
  'GET /messages': { aud: `${apiOrigin}/`, scope: 'read' },
  'POST /messages': { aud: `${apiOrigin}/`, scope: 'write' },
  'GET /brief/messages': { aud: `${apiOrigin}/brief/`, scope: 'read' },
  // RFC 9470: an authentication that this server never makes.
  'GET /vault': { aud: `${apiOrigin}/`, scope: 'read', acr: 'phr' },
  // Refuses every token, as an API with its own list of refused tokens may.
  'GET /never': { aud: `${apiOrigin}/`, scope: 'read', refuses: true },
};

function answer(response, status, challenge, body = {}) {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  if (challenge) response.setHeader('www-authenticate', challenge);
  response.end(JSON.stringify(body));
}

api.on('request', async (request, response) => {
  request.resume();
  const route = routes[`${request.method} ${request.url}`];
  if (!route) return answer(response, 404);

  const authorization = request.headers.authorization;
  // §3.1: no authentication information, no error code.
  if (!authorization) return answer(response, 401, 'Bearer realm="api"');
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/.exec(authorization)?.[1];
  if (!token) return answer(response, 400, 'Bearer realm="api", error="invalid_request"');

  let claims;
  try {
    // RFC 9068 §4: type, signature, issuer, audience, lifetime.
    ({ payload: claims } = await jose.jwtVerify(token, keys, {
      issuer,
      audience: route.aud,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'sub', 'client_id', 'jti'],
    }));
  } catch (error) {
    const why = error.code === 'ERR_JWT_EXPIRED' ? 'The access token expired' : 'The access token is not valid';
    return answer(response, 401, `Bearer realm="api", error="invalid_token", error_description="${why}"`);
  }
  if (route.refuses) return answer(response, 401, 'Bearer realm="api", error="invalid_token"');
  if (!(claims.scope ?? '').split(' ').includes(route.scope)) {
    return answer(response, 403, `Bearer realm="api", error="insufficient_scope", scope="${route.scope}"`);
  }
  if (route.acr && claims.acr !== route.acr) {
    return answer(response, 401, `Bearer error="insufficient_user_authentication", acr_values="${route.acr}", max_age="60"`);
  }
  return answer(response, 200, undefined, {
    sub: claims.sub, client_id: claims.client_id, scope: claims.scope, jti: claims.jti,
  });
});

process.stdout.write(`${JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  revocation_endpoint: `${issuer}/token/revocation`,
  api: apiOrigin,
})}\n`);
