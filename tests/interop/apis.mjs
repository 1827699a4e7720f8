// Two small APIs that check the access tokens. RFC 6750 §3 says what their refusals look like.

import * as jose from 'jose';

// RFC 8707: the resource indicators, which are also the audiences that the APIs ask for.
export function resourcesOf(api, files) {
  return {
    [`${api}/`]: { ttl: 300 },
    [`${api}/brief/`]: { ttl: 3 },
    [`${files}/`]: { ttl: 120 },
  };
}

// URL: the audience, the scope and the authentication that it asks for.
const routesOf = (api, files) => ({
  [`GET ${api}/messages`]: { aud: `${api}/`, scope: 'read' },
  [`POST ${api}/messages`]: { aud: `${api}/`, scope: 'write' },
  [`GET ${api}/brief/messages`]: { aud: `${api}/brief/`, scope: 'read' },
  // A scope that nobody is granted.
  [`GET ${api}/admin`]: { aud: `${api}/`, scope: 'admin' },
  // RFC 9470: a stronger login, and one of just now.
  [`GET ${api}/vault`]: { aud: `${api}/`, scope: 'read', acr: 'phr', maxAge: 60 },
  [`GET ${api}/safe`]: { aud: `${api}/`, scope: 'read', maxAge: 3 },
  // Refuses every token, as an API with its own list of refused tokens may.
  [`GET ${api}/never`]: { aud: `${api}/`, scope: 'read', refuses: true },
  [`GET ${files}/files`]: { aud: `${files}/`, scope: 'read' },
});

export function answer(response, status, challenge, body = {}) {
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  if (challenge) response.setHeader('www-authenticate', challenge);
  response.end(JSON.stringify(body));
}

async function serve(routes, issuer, keys, origin, request, response) {
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
    ({ payload: claims } = await jose.jwtVerify(token, jose.createLocalJWKSet(keys()), {
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

// The APIs, as a request handler for each origin. `keys` gives the authorization server's key set of the moment.
export function apis(issuer, keys, api, files) {
  const routes = routesOf(api, files);
  return (origin) => (request, response) => serve(routes, issuer, keys, origin, request, response);
}
