/**
 * Files on their way to the server. They are kept outside of any page, so that they go on while one looks at others.
 *
 *    waiting ──▶ sending ──▶ sent ──▶ processed
 *       ▲           ├──▶ waiting, when the server went away meanwhile
 *       │           └──▶ failed
 *       └─ when one tries again ┘
 *
 * `sent` means acknowledged: the server has the sample for good and matches it now. Nothing is sent while the server is
 * away; what waits goes on when it is back.
 */
import { useSyncExternalStore } from 'react'
import { isLost, lookForServer, onConnection } from '../../api/connection.ts'
import { ownPageHeader, Refusal } from '../../api/http.ts'
import { atServer } from '../../api/root.ts'
import { processedAmong } from '../../api/samples.ts'
import { atMostEvery } from '../../parts/at-most-every.ts'

export interface Upload {
  readonly id: number
  /** With its folders, as it was dropped. */
  readonly name: string
  readonly size: number
  readonly state: 'waiting' | 'sending' | 'sent' | 'processed' | 'failed'
  /** Bytes. */
  readonly done: number
  readonly sha256: string | null
  /** The content was here before. */
  readonly isKnown: boolean
  readonly problem: string | null
}

/** A browser has six connections to a server; the pages need some too. */
const AT_ONCE = 4
/** Each file makes news several times: the pages would be drawn a thousand times for a folder. */
const NEWS_MS = 200
const LOOK_MS = 700
/** Hashes of one question whether samples are processed. */
const ASKED_AT_ONCE = 500

let uploads: readonly Upload[] = []
/** What pages see of it. */
let shown = uploads
const files = new Map<number, File>()
const requests = new Map<number, XMLHttpRequest>()
const listeners = new Set<() => void>()
let lastId = 0
let looking = false

export function addUploads(added: readonly { readonly file: File; readonly path: string }[]): void {
  const fresh = added.map(({ file, path }): Upload => {
    files.set(++lastId, file)
    return {
      id: lastId,
      name: path,
      size: file.size,
      state: 'waiting',
      done: 0,
      sha256: null,
      isKnown: false,
      problem: null,
    }
  })
  publish([...uploads, ...fresh])
  sendNext()
}

export function tryAgain(id: number): void {
  update(id, { state: 'waiting', done: 0, problem: null })
  sendNext()
}

/** Forgets what the server has or what failed; what is under way stays. */
export function clearEnded(): void {
  const hasEnded = ({ state }: Upload) => state !== 'waiting' && state !== 'sending'
  for (const { id } of uploads.filter(hasEnded)) files.delete(id)
  publish(uploads.filter((upload) => !hasEnded(upload)))
}

/** Stops what waits and what is being sent. */
export function stopUploads(): void {
  const isOpen = ({ state }: Upload) => state === 'waiting' || state === 'sending'
  const stopped = uploads.filter(isOpen)
  publish(uploads.filter((upload) => !isOpen(upload)))
  for (const { id } of stopped) {
    files.delete(id)
    requests.get(id)?.abort()
  }
}

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => shown,
  )
}

// Leaving the application would cut off what is being sent.
window.addEventListener('beforeunload', (event) => {
  if (uploads.some(({ state }) => state === 'waiting' || state === 'sending')) event.preventDefault()
})

onConnection(sendNext)

function sendNext(): void {
  if (isLost()) return
  for (const upload of uploads) {
    if (requests.size >= AT_ONCE) return
    const file = files.get(upload.id)
    if (upload.state === 'waiting' && file) send(upload, file)
  }
}

/** By XMLHttpRequest, because fetch does not tell how much of a body has been sent. */
function send({ id, name }: Upload, file: File): void {
  const request = new XMLHttpRequest()
  requests.set(id, request)
  update(id, { state: 'sending' })
  const form = new FormData()
  form.append('filename', name)
  form.append('file', file, file.name)
  let reportedAt = 0
  request.upload.addEventListener('progress', ({ loaded, timeStamp }) => {
    if (timeStamp - reportedAt < 100) return
    reportedAt = timeStamp
    update(id, { done: Math.min(file.size, loaded) })
  })
  request.addEventListener('loadend', () => {
    requests.delete(id)
    void settle(id, file, request).then(sendNext)
  })
  request.open('POST', atServer('/api/submit/file/'))
  for (const [header, value] of Object.entries(ownPageHeader)) request.setRequestHeader(header, value)
  request.responseType = 'json'
  request.send(form)
}

async function settle(id: number, file: File, { status, response }: XMLHttpRequest): Promise<void> {
  if (status === 201) {
    const { sha256, known } = response.detail as { sha256: string; known: boolean }
    files.delete(id)
    update(id, { state: 'sent', done: file.size, sha256, isKnown: known })
    void lookUntilProcessed()
  } else if (status === 0 && !(await lookForServer())) {
    update(id, { state: 'waiting', done: 0 })
  } else {
    update(id, { state: 'failed', problem: status === 0 ? unreadable : new Refusal(status, response ?? {}).message })
  }
}

const unreadable = 'The connection broke, or the file can no longer be read.'

async function lookUntilProcessed(): Promise<void> {
  if (looking) return
  looking = true
  try {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      const sent = uploads.filter(({ state }) => state === 'sent').slice(0, ASKED_AT_ONCE)
      if (sent.length === 0) return
      // Unreachable for a while: the samples are safe, so it only takes longer.
      const processed = await processedAmong(sent.map(({ sha256 }) => sha256 ?? '')).catch(() => new Set<string>())
      if (processed.size === 0) continue
      const isDone = ({ state, sha256 }: Upload) => state === 'sent' && processed.has(sha256 ?? '')
      publish(uploads.map((upload) => (isDone(upload) ? { ...upload, state: 'processed' } : upload)))
    }
  } finally {
    looking = false
  }
}

function update(id: number, changes: Partial<Upload>): void {
  publish(uploads.map((upload) => (upload.id === id ? { ...upload, ...changes } : upload)))
}

function publish(next: readonly Upload[]): void {
  uploads = next
  show()
}

const show = atMostEvery(NEWS_MS, () => {
  shown = uploads
  for (const listener of listeners) listener()
})
