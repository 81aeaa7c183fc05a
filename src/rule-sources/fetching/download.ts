/** Downloads one file over https, through `Network`, with redirections. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { Failure } from '../../errors/index.ts'
import { basicAuthorization } from './git-process.ts'
import type { Network } from './network.ts'
import type { FetchOrder } from './order.ts'

const MOST_REDIRECTIONS = 5
const SILENCE_MS = 60_000

/** Into a new file; gives its SHA-256 in hexadecimal digits. */
export async function download(order: FetchOrder, network: Network, to: string): Promise<string> {
  let url = new URL(order.url)
  const origin = url.origin
  for (let hop = 0; hop <= MOST_REDIRECTIONS; hop++) {
    const answer = await ask(url, network, url.origin === origin ? order.token : '')
    const { statusCode = 0, headers } = answer
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      answer.destroy()
      const next = URL.parse(headers.location, url.href)
      if (next?.protocol !== 'https:') {
        throw new Failure(
          'source.refused',
          `${url.host} sends on to ${headers.location.slice(0, 200)}, which is not https.`,
        )
      }
      url = next
      continue
    }
    if (statusCode !== 200) {
      answer.destroy()
      throw refusal(url, statusCode)
    }
    if (order.task === 'look') {
      answer.destroy()
      return ''
    }
    return store(answer, network, to)
  }
  throw new Failure('source.refused', `${new URL(order.url).host} sends on more than ${MOST_REDIRECTIONS} times.`)
}

async function ask(url: URL, network: Network, token: string): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = await network.connectSecurely(host, Number(url.port || 443))
  return new Promise((resolve, reject) => {
    const asking = request({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        accept: '*/*',
        'user-agent': 'backtrail',
        connection: 'close',
        ...(token !== '' && { authorization: token.includes(':') ? basicAuthorization(token) : `Bearer ${token}` }),
      },
    })
    asking.setTimeout(SILENCE_MS, () => asking.destroy(new Error('it sent nothing for a minute')))
    asking.once('error', (error) =>
      reject(new Failure('source.unreachable', `${url.host} did not answer: ${error.message}.`)),
    )
    asking.once('response', resolve)
    asking.end()
  })
}

async function store(answer: IncomingMessage, network: Network, to: string): Promise<string> {
  const hash = createHash('sha256')
  const file: FileHandle = await open(to, 'wx', 0o600)
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      network.count(piece.length)
      hash.update(piece)
      await file.writeFile(piece)
    }
  } catch (error) {
    if (error instanceof Failure || (error as NodeJS.ErrnoException).syscall === 'write') throw error
    throw new Failure('source.unreachable', `The download was cut off: ${(error as Error).message}.`)
  } finally {
    await file.close()
  }
  if (!answer.complete) throw new Failure('source.unreachable', 'The download was cut off.')
  return hash.digest('hex')
}

function refusal({ host, pathname }: URL, status: number): Failure {
  if (status === 401 || status === 403) {
    return new Failure(
      'source.credentials',
      `${host} answers ${status}: it wants a token, or does not accept this one.`,
    )
  }
  const hint = status === 404 ? `${host} has no ${pathname}` : `${host} answers ${status}`
  return new Failure('source.unreachable', `${hint}.`)
}
