// Who logs in: every login name is an account, and this is what the server knows about the person.

// The claims of each scope (OpenID Connect Core §5.4). The namespaced claim comes whatever the scope.
export const claims = {
  openid: ['sub', 'https://example.com/roles'],
  profile: ['name', 'given_name', 'family_name', 'nickname', 'preferred_username', 'picture', 'locale', 'updated_at'],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

export function account(sub) {
  return {
    sub,
    'https://example.com/roles': ['reader', 'editor'],
    name: `${sub} Müller`,
    given_name: sub,
    family_name: 'Müller',
    nickname: sub.slice(0, 3),
    preferred_username: `${sub}@work`,
    picture: `https://images.example.com/${sub}.png`,
    locale: 'de-DE',
    updated_at: 1_700_000_000,
    email: `${sub}@example.com`,
    email_verified: true,
    address: { formatted: 'Am Markt 1\n50667 Köln', locality: 'Köln', country: 'DE' },
    phone_number: '+49 221 555 0100',
    phone_number_verified: false,
  };
}

// How strong the login was: as strong as whatever the client asked for, but for the people with a weak password.
export function strength(source) {
  const asked = source?.claims?.id_token?.acr?.values[0];
  return source?.accountId.startsWith('weak') ? undefined : asked;
}
