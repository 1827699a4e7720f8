// The other side of the interop tests: `oidc-provider` as the authorization server, and two small APIs that check the
// access tokens. All listen on 127.0.0.1, on ports that the system chooses. The first line on stdout is one JSON
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
const [files, filesOrigin] = await listen();

// RFC 8707: the resource indicators, which are also the audiences that the APIs ask for.
const resources = {
  [`${apiOrigin}/`]: { ttl: 300 },
  [`${apiOrigin}/brief/`]: { ttl: 3 },
  [`${filesOrigin}/`]: { ttl: 120 },
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
  post_logout_redirect_uris: ['http://127.0.0.1/loggedout', 'com.example.app:/loggedout'],
};

const provider = new Provider(issuer, {
  clients: [native],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  responseTypes: ['code'],
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  // The provider rotates before it looks at the resource, so `invalid_target` costs the refresh token. Most servers look
  // first; so does this one, for the resources that it has never heard of.
  rotateRefreshToken: (ctx) => [ctx.oidc.params.resource ?? []].flat().every((resource) => resource in resources),
  // Every login name is an account.
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  // RFC 9470 §6.2: how and when the person logged in. The password is as strong as whatever the client asked for.
  extraTokenClaims(ctx) {
    const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
    const source = code ?? refresh;
    return { acr: source?.claims?.id_token?.acr?.values[0], auth_time: source?.authTime };
  },
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
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

// The APIs. RFC 6750 §3 says what their refusals look like.

const keys = jose.createRemoteJWKSet(new URL(`${issuer}/jwks`));

// URL: the audience, the scope and the authentication that it asks for.
const routes = {
  [`GET ${apiOrigin}/messages`]: { aud: `${apiOrigin}/`, scope: 'read' },
  [`POST ${apiOrigin}/messages`]: { aud: `${apiOrigin}/`, scope: 'write' },
  [`GET ${apiOrigin}/brief/messages`]: { aud: `${apiOrigin}/brief/`, scope: 'read' },
  // A scope that nobody is granted.
  [`GET ${apiOrigin}/admin`]: { aud: `${apiOrigin}/`, scope: 'admin' },
  // RFC 9470: a stronger login, and one of just now.
  [`GET ${apiOrigin}/vault`]: { aud: `${apiOrigin}/`, scope: 'read', acr: 'phr', maxAge: 60 },
  [`GET ${apiOrigin}/safe`]: { aud: `${apiOrigin}/`, scope: 'read', maxAge: 3 },
  // Refuses every token, as an API with its own list of refused tokens may.
  [`GET ${apiOrigin}/never`]: { aud: `${apiOrigin}/`, scope: 'read', refuses: true },
  [`GET ${filesOrigin}/files`]: { aud: `${filesOrigin}/`, scope: 'read' },
};

function answer(response, status, challenge, body = {}) {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  if (challenge) response.setHeader('www-authenticate', challenge);
  response.end(JSON.stringify(body));
}

async function serve(origin, request, response) {
  request.resume();
  const route = routes[`${request.method} ${origin}${request.url}`];
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
  const tooOld = route.maxAge !== undefined && !(Date.now() / 1000 - claims.auth_time <= route.maxAge);
  if (tooOld || (route.acr && claims.acr !== route.acr)) {
    const acr = route.acr ? `, acr_values="${route.acr}"` : '';
    return answer(response, 401, `Bearer error="insufficient_user_authentication"${acr}, max_age="${route.maxAge}"`);
  }
  return answer(response, 200, undefined, {
    sub: claims.sub, client_id: claims.client_id, scope: claims.scope, jti: claims.jti,
  });
}

api.on('request', (request, response) => serve(apiOrigin, request, response));
files.on('request', (request, response) => serve(filesOrigin, request, response));

process.stdout.write(`${JSON.stringify({
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  revocation_endpoint: `${issuer}/token/revocation`,
  end_session_endpoint: `${issuer}/session/end`,
  api: apiOrigin,
  files: filesOrigin,
})}\n`);
