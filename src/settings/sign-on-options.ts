/** Options of log-ins with an identity provider. */
import { choice, pairs, path, text } from './kinds.ts'
import { option } from './option.ts'

export const signOnOptions = {
  oidcIssuer: option({
    kind: text('url', 'an address that starts with https://'),
    default: '',
    formatDefault: 'none: users have passwords here',
    about: 'The identity provider (OpenID Connect) that users may log in with, as it names itself.',
  }),
  oidcClientId: option({
    kind: text('id', 'the name that the identity provider knows this server by'),
    default: '',
    formatDefault: 'none',
    about: 'The name that the identity provider knows this server by.',
  }),
  oidcClientSecretFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none: a public client',
    about: 'A file with the secret of that client as its first line.',
  }),
  oidcScopes: option({
    kind: text('scopes', 'words with spaces between them, openid among them'),
    default: 'openid profile email',
    about: 'What the identity provider is asked for.',
  }),
  oidcNameClaim: option({
    kind: text('claim', 'the name of a claim'),
    default: 'preferred_username',
    about: 'The claim with the name that a user gets at the first log-in.',
  }),
  oidcGroupsClaim: option({
    kind: text('claim', 'the name of a claim'),
    default: 'groups',
    about: 'The claim with the groups that a user is in.',
  }),
  oidcRoles: option({
    kind: pairs('group=role', 'administrator', 'publisher', 'user', 'read-only'),
    default: [],
    formatDefault: 'none',
    about: 'The roles that groups have here, at each log-in; of several, the one with the most rights.',
  }),
  oidcDefaultRole: option({
    kind: choice('role', 'none', 'administrator', 'publisher', 'user', 'read-only'),
    default: 'none',
    about: 'The role of whoever is in none of these groups; none: they are refused.',
  }),
  oidcLabel: option({
    kind: text('text', 'a name'),
    default: 'single sign-on',
    about: 'What the button on the log-in page calls the identity provider.',
  }),
} as const
