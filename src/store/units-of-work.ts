/**
 * How much of other units of work one may see, by the words of the SQL standard. SQLite runs one at a time on its one
 * connection, which is more than any of them demands; another database is asked for what stands here.
 */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/**
 * The units of work, each with the isolation that it is correct under: `serializable` where it decides by rows that it
 * does not write, `repeatable read` where it only reads, and all of it as of one moment.
 */
export const unitsOfWork = {
  /** The account of whoever works on the data folder itself. */
  findOperator: 'serializable',
  addUser: 'serializable',
  /** Of a user, or whether it is disabled: an administrator remains. */
  changeUser: 'serializable',
  removeUser: 'serializable',
  changePassword: 'read committed',
  /** A token or a session for whoever gave name and password. */
  logIn: 'read committed',
  /** The token that scripts set up an installation with. */
  setUpToken: 'serializable',
} as const satisfies Record<string, Isolation>

export type UnitName = keyof typeof unitsOfWork
