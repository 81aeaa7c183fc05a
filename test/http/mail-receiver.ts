/** A mail server on this machine that keeps what it is given, and refuses whom it is told to. */
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** By their names in lower case; unfolded and decoded. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const WAIT_MS = 120_000

export class MailReceiver {
  readonly #server: SMTPServer
  readonly #mails: ReceivedMail[] = []
  readonly #refusals = new Map<string, { code: number; words: string; times: number }>()
  logIns = 0

  private constructor({ user, password }: { readonly user: string; readonly password: string }) {
    this.#server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      authMethods: ['PLAIN'],
      onAuth: (given, _, done) => {
        this.logIns++
        if (given.username === user && given.password === password) done(null, { user })
        else done(new Error('not the user or not the password'))
      },
      onRcptTo: ({ address }, _, done) => {
        const refusal = this.#refusals.get(address)
        if (refusal === undefined) return done()
        refusal.times++
        done(Object.assign(new Error(refusal.words), { responseCode: refusal.code }))
      },
      onData: (stream, { envelope: { mailFrom, rcptTo } }, done) => {
        const pieces: Buffer[] = []
        stream.on('data', (piece: Buffer) => pieces.push(piece))
        stream.on('end', () => {
          const from = mailFrom === false ? '' : mailFrom.address
          this.#mails.push({
            from,
            to: rcptTo.map(({ address }) => address),
            ...parsed(Buffer.concat(pieces).toString()),
          })
          done()
        })
      },
    })
    this.#server.on('error', () => {})
  }

  static async start(log: { readonly user: string; readonly password: string }): Promise<MailReceiver> {
    const receiver = new MailReceiver(log)
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port
  }

  refuse(address: string, code: number, words: string): void {
    this.#refusals.set(address, { code, words, times: 0 })
  }

  accept(address: string): void {
    this.#refusals.delete(address)
  }

  /** Resolves when an address was refused so many times. */
  async refused(address: string, times: number): Promise<void> {
    await until(() => ((this.#refusals.get(address)?.times ?? 0) >= times ? true : undefined))
  }

  mails(least: number): Promise<readonly ReceivedMail[]> {
    return until(() => (this.#mails.length >= least ? this.#mails : undefined))
  }

  mailTo(address: string): Promise<ReceivedMail> {
    return until(() => this.#mails.find(({ to }) => to.includes(address)))
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve))
  }
}

async function until<T>(look: () => T | undefined): Promise<T> {
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error('no such mail within two minutes')
    await sleep(20)
  }
}

/** Of a mail of one part, in 7 bits or quoted-printable. */
function parsed(raw: string): Pick<ReceivedMail, 'headers' | 'text'> {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  const body = raw.slice(end + 4)
  const encoding = headers['content-transfer-encoding'] ?? '7bit'
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString()
      : encoding === 'quoted-printable'
        ? unquoted(body)
        : body
  return { headers, text: text.replaceAll('\r\n', '\n') }
}

function unquoted(body: string): string {
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
