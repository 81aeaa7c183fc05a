/** Options of log-ins with an identity provider or a directory. */
import { choice, duration, pairs, path, text } from './kinds.ts'
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
  ldapUrl: option({
    kind: text('url', 'an address that starts with ldaps:// or ldap://'),
    default: '',
    formatDefault: 'none',
    about: 'The directory (LDAP) that names and passwords are held against which are nobody’s here.',
  }),
  ldapStartTls: option({
    kind: choice('on|off', 'on', 'off'),
    default: 'on',
    about: 'Whether a connection to ldap:// is encrypted with StartTLS; off is for a directory on the same machine.',
  }),
  ldapCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about: 'Certificates (PEM) of the authorities that the directory is believed by, in place of the well-known ones.',
  }),
  ldapUserDn: option({
    kind: text('dn', 'a distinguished name with {name} in it'),
    default: '',
    formatDefault: 'none: users are searched for',
    about: 'Where a user is in the directory, with {name} for the name: uid={name},ou=people,dc=example,dc=org.',
  }),
  ldapBindDn: option({
    kind: text('dn', 'a distinguished name'),
    default: '',
    formatDefault: 'none: anonymous',
    about: 'Who searches the directory for users and groups.',
  }),
  ldapBindPasswordFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'A file with the password of that account as its first line.',
  }),
  ldapBase: option({
    kind: text('dn', 'a distinguished name'),
    default: '',
    formatDefault: 'none',
    about: 'Below what users are searched for.',
  }),
  ldapFilter: option({
    kind: text('filter', 'a filter of LDAP with {name} in it'),
    default: '(uid={name})',
    about: 'The filter that finds a user, with {name} for the name; (sAMAccountName={name}) in Active Directory.',
  }),
  ldapNameAttribute: option({
    kind: text('attribute', 'the name of an attribute'),
    default: 'uid',
    about: 'The attribute with the name that a user gets at the first log-in.',
  }),
  ldapIdAttribute: option({
    kind: text('attribute', 'the name of an attribute'),
    default: 'entryUUID',
    about:
      'The attribute that a user is known by from then on, which nobody else ever gets; objectGUID in Active Directory.',
  }),
  ldapGroupsAttribute: option({
    kind: text('attribute', 'the name of an attribute'),
    default: 'memberOf',
    about: 'The attribute of a user with the groups that the user is in.',
  }),
  ldapGroupBase: option({
    kind: text('dn', 'a distinguished name'),
    default: '',
    formatDefault: 'none: the attribute of the user says it',
    about: 'Below what groups are searched for that have the user as a member.',
  }),
  ldapGroupFilter: option({
    kind: text('filter', 'a filter of LDAP with {dn} or {name} in it'),
    default: '(member={dn})',
    about: 'The filter that finds the groups of a user, with {dn} and {name} for the user.',
  }),
  ldapRoles: option({
    kind: pairs('group=role', 'administrator', 'publisher', 'user', 'read-only'),
    default: [],
    formatDefault: 'none',
    about:
      'The roles that groups have here, by their names or their distinguished names; of several, the one with the most rights.',
  }),
  ldapDefaultRole: option({
    kind: choice('role', 'none', 'administrator', 'publisher', 'user', 'read-only'),
    default: 'none',
    about: 'The role of whoever is in none of these groups; none: they are refused.',
  }),
  ldapTimeout: option({
    kind: duration(100, 5 * 60_000),
    default: 10_000,
    about: 'How long the directory may take for a log-in.',
  }),
} as const
