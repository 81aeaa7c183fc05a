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
  /** Finds or adds the user of an identity provider: names are free, and an administrator remains. */
  signOn: 'serializable',
  /** A rule source of its name. */
  addRuleSource: 'serializable',
  changeRuleSource: 'serializable',
  /** An appliance of its name, on a manager. */
  addAppliance: 'serializable',
  /** A change of a shared ruleset at the end of the manager's log, if it replaces the newest. */
  appendShared: 'serializable',
  /** What goes out of the manager's log, and up to where. */
  pruneShared: 'serializable',
  /** The end of the manager's log with what is current there. */
  readShared: 'repeatable read',
  /** What the manager has under a name, and what of it is here. */
  recordShared: 'serializable',
  /** There is another manager, or its past is another one. */
  changeManager: 'serializable',
  /** What a synchronization has found of a source's files. */
  recordSourceFiles: 'read committed',
  /** The token that scripts set up an installation with. */
  setUpToken: 'serializable',
  /** A revision, a switch, a removal: with the matches, the plan, what a cloud has to learn, and the next generation. */
  changeRules: 'serializable',
  /** Notes, tags and the date of expiry of a ruleset. */
  changeNotes: 'serializable',
  /** Rules of a ruleset are disabled or enabled one by one. */
  switchRules: 'serializable',
  /** Scan errors of rulesets on a sample; the third one suspends a ruleset. */
  recordScanErrors: 'serializable',
  /** The rulesets that run, with their generation. */
  readLiveSet: 'repeatable read',
  listRulesets: 'repeatable read',
  /** A page of a ruleset's matches, with how many it has. */
  listMatches: 'repeatable read',
  /** Files that were copied become samples: acknowledged, and queued. */
  admitSamples: 'serializable',
  deleteSamples: 'serializable',
  /** What the pipeline found out about some samples becomes true: segment, matches, feeds and state. */
  completeSamples: 'serializable',
  startHunt: 'serializable',
  /** A hunt has another state; where it has ended, channels have an event of that. */
  changeHunt: 'read committed',
  /** Whether as many samples are listed as are counted. */
  checkCorpus: 'repeatable read',
  /** What one more part of a corpus scan found, the cursor and the counts. */
  advanceHunt: 'serializable',
  /** What is known of the cloud, and what has to reach it. */
  changeCloud: 'serializable',
  settleDelivery: 'serializable',
  moveFeeds: 'read committed',
  /** A page of a feed of the cloud, with the position behind it. */
  readFeed: 'serializable',
  /** The results of a hunt of the cloud go, and stay away. */
  clearRetro: 'serializable',
  /** A page of a tenant's feed, as of a second that is given out with it. */
  readTenantFeed: 'serializable',
  nameContribution: 'serializable',
  /** The segments that are live, and the samples in none of them. */
  takeSnapshot: 'repeatable read',
  publishSegment: 'serializable',
  /** One segment takes the place of others. */
  mergeSegments: 'serializable',
  /** A segment cannot be read: its samples are in none. */
  reportDamage: 'serializable',
  /** A user's own word on a sample. */
  classify: 'serializable',
  /** What samples match that were scanned again, if the enabled rulesets are the ones that they were scanned with. */
  recordReanalysis: 'serializable',
  /** A channel of a user, with the rulesets that it is about. */
  changeChannel: 'serializable',
  /** Events of a channel become a message. */
  notify: 'serializable',
  /** What programs are made of that were stored before that was kept. */
  recordPrograms: 'read committed',
  /** The TLSH of samples that were waiting for one. */
  recordTlsh: 'read committed',
} as const satisfies Record<string, Isolation>

export type UnitName = keyof typeof unitsOfWork
