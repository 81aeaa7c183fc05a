/** What somebody of a role is, in a sentence. */
export const roleNouns = {
  administrator: 'an administrator',
  publisher: 'a publisher',
  user: 'a user',
  'read-only': 'a reader',
} as const
