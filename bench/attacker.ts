/**
 * A thread that sends one attack again and again, so that its work does not delay the measuring of answers beside it.
 * `workerData` names the server and the input; it posts what came of each round, and ends when it gets any message.
 */
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { type AttackRequest, attackInputs } from './attack-inputs.ts'

const { url, token, name } = workerData as { readonly url: string; readonly token: string; readonly name: string }
/** How long hunts of a round may work before they are cancelled. */
const CANCEL_AFTER_MS = 1_000
const TIMEOUT_MS = 120_000

const input = attackInputs[name]
if (!input) throw new Error(`no attack is called ${name}`)
let isOver = false
parentPort?.on('message', () => {
  isOver = true
})

input.round()
parentPort?.postMessage({ ready: true })
while (!isOver) {
  const answers = await Promise.all(input.round().map(send))
  if (input.startsHunts) await endHunts(answers)
  parentPort?.postMessage({ statuses: answers.map(({ status }) => status) })
}
process.exit(0)

interface Answer {
  /** 0: no answer, because the connection broke or nothing came in time. */
  readonly status: number
  readonly text: string
}

function send({ method, path, headers, body, isKnown = true }: AttackRequest): Promise<Answer> {
  return new Promise((resolve) => {
    const authorization = isKnown ? { authorization: `Token ${token}` } : {}
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const outgoing = request(url + path, {
      method,
      headers: { ...authorization, ...length, ...headers },
      agent: false,
      timeout: TIMEOUT_MS,
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => resolve({ status: 0, text: '' }))
    outgoing.on('response', (response) => {
      // The beginning is enough to read an id from; the rest is taken and thrown away.
      let text = ''
      response.setEncoding('latin1')
      response.on('data', (piece: string) => {
        if (text.length < 4_096) text += piece
      })
      response.on('error', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    outgoing.end(body)
  })
}

async function endHunts(answers: readonly Answer[]): Promise<void> {
  const ids = answers.flatMap(({ status, text }) => (status === 201 ? [/"id":(\d+)/.exec(text)?.[1] ?? ''] : []))
  if (ids.length === 0) return
  await pause(CANCEL_AFTER_MS)
  for (const id of ids) {
    await send({ method: 'POST', path: `/api/hunts/${id}/cancel/` })
    await send({ method: 'DELETE', path: `/api/hunts/${id}/` })
  }
}
