import { choice, count, duration, path, text } from './kinds.ts'
import { hour, minute, option, second } from './option.ts'

/** Of a manager, and of the appliances that share rulesets through it. */
export const publishingOptions = {
  applianceAway: option({
    kind: duration(second, 24 * hour),
    default: 11 * minute,
    about: 'After how long without a request the manager calls an appliance unavailable.',
  }),
  tombstoneDays: option({
    kind: count(1, 36_500),
    default: 90,
    about:
      'How many days the manager keeps what was deleted or replaced; an appliance that was away for longer starts from a snapshot.',
  }),
  managerUrl: option({
    kind: text('url', 'an address that starts with https://, or with http:// on the same machine'),
    default: '',
    formatDefault: 'none',
    about: 'The manager through which this appliance shares rulesets with others.',
  }),
  managerToken: option({
    kind: text('token', 'the token that the manager has given for this appliance'),
    default: '',
    formatDefault: 'none',
    about: 'The token of this appliance at the manager; a token file does the same.',
    secret: true,
  }),
  managerTokenFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'A file with the token of this appliance at the manager as its first line.',
  }),
  managerKey: option({
    kind: text('key', 'the public key that the manager shows'),
    default: '',
    formatDefault: 'the one of the first connection',
    about: 'The key that the manager signs with; what is signed with another is not taken.',
  }),
  managerCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about: 'Certificates (PEM) of the authorities that the manager is believed by, in place of the well-known ones.',
  }),
  managerTimeout: option({
    kind: duration(second, 10 * minute),
    default: minute,
    about: 'How long the manager may take to answer, beside the time that it waits for news.',
  }),
  managerWait: option({
    kind: duration(0, 5 * minute),
    default: 10 * second,
    about: 'How long a request of a user waits for the manager; what takes longer goes on in the background.',
  }),
  syncPoll: option({
    kind: duration(second, hour),
    default: 5 * minute,
    about: 'The longest time between two attempts to reach a manager that is away.',
  }),
  syncConflicts: option<'ask' | 'last-wins'>({
    kind: choice('ask|last-wins', 'ask', 'last-wins'),
    default: 'ask',
    about:
      'What happens to a ruleset that was changed on two appliances: both texts stay until a person decides, or the last one that is published replaces the other.',
  }),
  syncPublishers: option<'administrators' | 'users'>({
    kind: choice('administrators|users', 'administrators', 'users'),
    default: 'administrators',
    about:
      'Who may publish rulesets to the other appliances: administrators and publishers, or every user that changes rulesets.',
  }),
} as const
