/** One attempt to hand a mail over to the server that passes it on. */
import type { Transporter } from 'nodemailer'
import { endedBy } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { isMailAddress, isThisMachine, readCertificates, readFirstLine, type Settings } from '../settings/index.ts'

const TIME_MS = 30_000
/** What an answer of a mail server, which may be long, is cut to. */
const LONGEST_ANSWER = 300

export interface MailAccess {
  readonly host: string
  /** Null for the usual one. */
  readonly port: number | null
  /** `starttls`: nothing is said before the connection is encrypted. `none`: within one machine. */
  readonly encryption: 'tls' | 'starttls' | 'none'
  readonly user: string
  readonly password: string
  /** Certificates (PEM); null for the well-known authorities. */
  readonly ca: string | null
  readonly from: string
  /** `*` for all, `*.example.com` for those below one. */
  readonly domains: readonly string[]
}

type MailSettings = Pick<Settings, 'mailServer' | 'mailPasswordFile' | 'mailCa' | 'mailFrom' | 'mailDomains'>

/** Reads what the settings name; null where they name no server. `settings.invalid` for a file that is of no use. */
export function mailAccess(settings: MailSettings): MailAccess | null {
  if (settings.mailServer === '') return null
  const url = new URL(settings.mailServer)
  const { protocol, hostname, port, username } = url
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? null : Number(port),
    encryption: protocol === 'smtps:' ? 'tls' : isThisMachine(url) ? 'none' : 'starttls',
    user: decodeURIComponent(username),
    password:
      settings.mailPasswordFile === ''
        ? ''
        : readFirstLine(settings.mailPasswordFile, '--mail-password-file', "the mail server's password"),
    ca: settings.mailCa === '' ? null : readCertificates(settings.mailCa, '--mail-ca'),
    from: settings.mailFrom,
    domains: settings.mailDomains,
  }
}

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** The same for each attempt. */
  readonly id: string
}

export class MailPost {
  readonly #access: MailAccess | null

  constructor(access: MailAccess | null) {
    this.#access = access
  }

  /** The address as it is kept, once it is known that it may be written to. `notification.invalid`, `.refused`. */
  checkedAddress(given: string): string {
    if (this.#access === null) {
      throw new Failure('notification.invalid', 'This server sends no mails: it was started without --mail-server.')
    }
    const address = given.trim()
    if (!isMailAddress(address)) {
      throw new Failure('notification.invalid', 'The address of a mail is one e-mail address, such as ana@example.com.')
    }
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    const { domains } = this.#access
    const isAllowed = domains.some(
      (one) => one === '*' || one === domain || (one.startsWith('*.') && domain.endsWith(one.slice(1))),
    )
    if (isAllowed) return address
    throw new Failure('notification.refused', `Nothing may be sent to ${domain}: --mail-domains does not have it.`)
  }

  /** Resolves when the server has taken the mail. `notification.refused`, `.unreachable`. */
  async send({ to, subject, text, id }: Mail, signal: AbortSignal): Promise<void> {
    // The settings may have changed since the address was saved.
    this.checkedAddress(to)
    const access = this.#access as MailAccess
    const transport = await transportTo(access)
    try {
      const domain = access.from.slice(access.from.lastIndexOf('@') + 1)
      const sending = transport.sendMail({
        from: { name: 'Backtrail', address: access.from },
        to: { name: '', address: to },
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        // Suppresses automatic replies (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      })
      await endedBy(signal, sending)
    } catch (error) {
      signal.throwIfAborted()
      const said = (error instanceof Error ? error.message : String(error)).replace(/[\p{C}\s]+/gu, ' ')
      throw new Failure(
        'notification.unreachable',
        `${access.host} did not take the mail: ${said.slice(0, LONGEST_ANSWER)}.`,
      )
    } finally {
      transport.close()
    }
  }
}

/** The library is loaded where mails are sent. */
async function transportTo({ host, port, encryption, user, password, ca }: MailAccess): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host,
    ...(port !== null && { port }),
    secure: encryption === 'tls',
    requireTLS: encryption === 'starttls',
    ignoreTLS: encryption === 'none',
    ...(user !== '' && { auth: { user, pass: password } }),
    ...(ca !== null && { tls: { ca } }),
    connectionTimeout: TIME_MS,
    greetingTimeout: TIME_MS,
    socketTimeout: TIME_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}
