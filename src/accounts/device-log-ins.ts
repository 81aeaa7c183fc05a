/**
 * Log-ins of programs that have no browser (RFC 8628): a program gets two codes, its user approves one of them in the web
 * application, in whatever way people log in there, and the program gets a token for the other.
 *
 *     program                  this server                    browser
 *        │ name, days, scope        │                            │
 *        ├─────────────────────────►│                            │
 *        │ device code, user code   │                            │
 *        │◄─────────────────────────┤                            │
 *        │                          │    log-in, the user code   │
 *        │                          │◄───────────────────────────┤
 *        │ device code              │    "a program on …": yes   │
 *        ├─────────────────────────►│◄───────────────────────────┤
 *        │ token                    │                            │
 *        │◄─────────────────────────┤                            │
 *
 * The user code is short, since people type it: it is good for one decision, and users who try many are slowed down. The device
 * code is a secret of 256 bits, of which the SHA-256 is kept. Both live in memory: after a restart a log-in is begun anew.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Failure } from '../errors/index.ts'
import type { Micros } from '../store/index.ts'
import type { Account } from './rights.ts'
import { Throttle } from './throttle.ts'
import type { Tokens } from './tokens.ts'
import type { Users } from './users.ts'

/** How long somebody may take to approve, in milliseconds. */
const CODE_MS = 10 * 60_000
/** How often a program may ask, in seconds, and what is added when it asks more often. */
const INTERVAL = 2
const SLOWER = 5
/** Log-ins kept at most, so that many that are begun and left cannot fill the memory. */
const PENDING = 10_000
/** No vowels, so that no words come out, and nothing that looks like something else (RFC 8628, section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const CODE_LETTERS = 8
const FREE_WRONG_CODES = 5
const DAY_MS = 24 * 60 * 60_000

/** What a program asks for. */
export interface DeviceLogIn {
  /** What the program calls itself: the name of its machine. */
  readonly name: string
  /** How long its token is good for. */
  readonly days: number
  /** As in `Account`; null: whatever the user may do. */
  readonly scope: readonly string[] | null
  /** Where it asked from. */
  readonly address: string
}

interface Pending extends DeviceLogIn {
  readonly userCode: string
  /** In milliseconds. */
  readonly begun: number
  interval: number
  lastAsked: number
  /** Null until somebody decides. */
  decision: { readonly user: Account; readonly by: Account; readonly approves: boolean } | null
}

export interface DeviceToken {
  readonly token: string
  readonly expires: Micros
  readonly user: string
  readonly label: string
  readonly scope: readonly string[] | null
}

export class DeviceLogIns {
  readonly #users: Users
  readonly #tokens: Tokens
  readonly #clock: () => number
  readonly #byDeviceCode = new LRUCache<string, Pending>({ max: PENDING })
  readonly #byUserCode = new LRUCache<string, Pending>({ max: PENDING })
  readonly #wrongCodes: Throttle

  /** `clock` is in milliseconds. */
  constructor({ users, tokens, clock }: { users: Users; tokens: Tokens; clock: () => number }) {
    this.#users = users
    this.#tokens = tokens
    this.#clock = clock
    this.#wrongCodes = new Throttle(FREE_WRONG_CODES, clock)
  }

  /** `seconds`: how long the codes are good for; `interval`: how many seconds the program waits between its questions. */
  begin(asked: DeviceLogIn): { deviceCode: string; userCode: string; seconds: number; interval: number } {
    const deviceCode = randomBytes(32).toString('base64url')
    let userCode = newUserCode()
    while (this.#byUserCode.has(userCode)) userCode = newUserCode()
    const pending: Pending = {
      ...asked,
      userCode,
      begun: this.#clock(),
      interval: INTERVAL,
      lastAsked: Number.NEGATIVE_INFINITY,
      decision: null,
    }
    this.#byDeviceCode.set(hashOf(deviceCode), pending)
    this.#byUserCode.set(userCode, pending)
    return { deviceCode, userCode: written(userCode), seconds: CODE_MS / 1_000, interval: INTERVAL }
  }

  /** What waits under a user code, however it is written. `device.unknown`, and `login.throttled` after several wrong ones. */
  find(by: Account, userCode: string): DeviceLogIn & { readonly userCode: string; readonly begun: Micros } {
    const key = String(by.id)
    const pause = this.#wrongCodes.pause(key)
    if (pause > 0) {
      const seconds = Math.ceil(pause / 1_000)
      throw new Failure('login.throttled', `Too many wrong codes; try again in ${seconds} s.`, { seconds })
    }
    const found = this.#byUserCode.get(plain(userCode))
    if (!found || this.#isOver(found)) {
      // No right code makes up for it: whoever guesses has one of their own at hand.
      this.#wrongCodes.attempt(key)
      throw new Failure('device.unknown')
    }
    const { name, days, scope, address, begun } = found
    return { name, days, scope, address, userCode: written(found.userCode), begun: begun * 1_000 }
  }

  /** Lets the program in as the user, or refuses it. Each code is good for one decision. Fails as `find`. */
  async decide(by: Account, userName: string, userCode: string, approves: boolean): Promise<DeviceLogIn> {
    const asked = this.find(by, userCode)
    const user = await this.#users.find(userName)
    if (user.role === 'tenant') throw new Failure('token.for-tenant')
    const pending = this.#byUserCode.get(plain(userCode))
    if (!pending) throw new Failure('device.unknown')
    this.#byUserCode.delete(pending.userCode)
    pending.decision = { user, by, approves }
    return asked
  }

  /**
   * The token, once it was approved. The failures are the words of RFC 8628: `authorization_pending`, `slow_down`,
   * `access_denied`, and `expired_token` for a code that is unknown, was redeemed or is too old.
   */
  async redeem(deviceCode: string): Promise<DeviceToken> {
    const key = hashOf(deviceCode)
    const pending = this.#byDeviceCode.get(key)
    if (!pending || this.#isOver(pending)) throw new Failure('expired_token')
    const now = this.#clock()
    const isTooSoon = now - pending.lastAsked < pending.interval * 1_000 * 0.9
    pending.lastAsked = now
    if (isTooSoon) {
      pending.interval += SLOWER
      throw new Failure('slow_down')
    }
    const { decision, name, days, scope } = pending
    if (decision === null) throw new Failure('authorization_pending')
    // Before anything is waited for: the code is good for one token.
    this.#byDeviceCode.delete(key)
    if (!decision.approves) throw new Failure('access_denied')
    const { user, by } = decision
    const current = await this.#users.existing(user.name)
    // The name may be somebody else's by now, and whoever approved may have left.
    if (current.id !== user.id || current.disabled) throw new Failure('access_denied')
    const expires = (now + days * DAY_MS) * 1_000
    const label = `log-in from ${name}`
    const { token } = await this.#tokens.create(user.name, label, { expires, scope, by })
    return { token, expires, user: user.name, label, scope }
  }

  #isOver({ begun, userCode }: Pending): boolean {
    if (this.#clock() - begun < CODE_MS) return false
    this.#byUserCode.delete(userCode)
    return true
  }
}

const newUserCode = (): string =>
  Array.from({ length: CODE_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join('')

/** `BCDF-GHJK` */
const written = (code: string): string => `${code.slice(0, CODE_LETTERS / 2)}-${code.slice(CODE_LETTERS / 2)}`

/** As it is kept: people type small letters, blanks and other dashes. */
const plain = (typed: string): string => typed.toUpperCase().replace(/[^A-Z]/g, '')

const hashOf = (deviceCode: string): string => createHash('sha256').update(deviceCode).digest('base64')
