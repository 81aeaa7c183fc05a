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
 *
 * Small files travel together, since a request takes longer than they do, and each is answered by itself. A request that
 * fails as a whole may do so because of one of them, say one that can no longer be read: then each goes alone.
 */
import { useSyncExternalStore } from 'react'
import type { Static } from 'typebox'
import type { SmallUploadsShape } from '../../../../src/http/contract/samples.ts'
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

interface Waiting {
  readonly id: number
  readonly name: string
  readonly file: File
}

/** A browser has six connections to a server; the pages need some too. */
const AT_ONCE = 4
/** Bytes of a file that travels with others. */
const SMALL = 256 * 1024
/** Files and bytes that travel together. Of a slow connection the server waits a minute for them. */
const MOST_TOGETHER = 64
const BYTES_TOGETHER = 1024 * 1024
/** Each file makes news several times: the pages would be drawn a thousand times for a folder. */
const NEWS_MS = 200
const LOOK_MS = 700
/** Hashes of one question whether samples are processed. */
const ASKED_AT_ONCE = 500

let uploads: readonly Upload[] = []
/** What pages see of it. */
let shown = uploads
const files = new Map<number, File>()
/** Those that are sent alone although they are small. */
const loners = new Set<number>()
const requests = new Set<XMLHttpRequest>()
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
  for (const { id } of uploads.filter(hasEnded)) forget(id)
  publish(uploads.filter((upload) => !hasEnded(upload)))
}

/** Stops what waits and what is being sent. */
export function stopUploads(): void {
  const isOpen = ({ state }: Upload) => state === 'waiting' || state === 'sending'
  for (const { id } of uploads.filter(isOpen)) forget(id)
  publish(uploads.filter((upload) => !isOpen(upload)))
  for (const request of requests) request.abort()
}

function forget(id: number): void {
  files.delete(id)
  loners.delete(id)
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
  while (!isLost() && requests.size < AT_ONCE) {
    const next = nextToSend()
    if (next.length === 0) return
    send(next)
  }
}

/** The file that waits longest; with it, where it is small, others that are. */
function nextToSend(): Waiting[] {
  const next: Waiting[] = []
  let bytes = 0
  for (const { id, name, size, state } of uploads) {
    const file = files.get(id)
    if (state !== 'waiting' || !file) continue
    const isAlone = size > SMALL || loners.has(id)
    if (next.length > 0 && (isAlone || bytes + size > BYTES_TOGETHER)) continue
    next.push({ id, name, file })
    bytes += size
    if (isAlone || next.length === MOST_TOGETHER) break
  }
  return next
}

/** By XMLHttpRequest, because fetch does not tell how much of a body has been sent. */
function send(sent: readonly Waiting[]): void {
  const request = new XMLHttpRequest()
  requests.add(request)
  updateAll(sent, () => ({ state: 'sending' }))
  const [one] = sent
  const isAlone = sent.length === 1
  const form = new FormData()
  if (isAlone && one) form.append('filename', one.name)
  for (const { name, file } of sent) form.append('file', file, isAlone ? file.name : name)
  let reportedAt = 0
  request.upload.addEventListener('progress', ({ loaded, timeStamp }) => {
    if (timeStamp - reportedAt < 100) return
    reportedAt = timeStamp
    let left = loaded
    updateAll(sent, ({ file: { size } }) => {
      const done = Math.max(0, Math.min(size, left))
      left -= size
      return { done }
    })
  })
  request.addEventListener('loadend', () => {
    requests.delete(request)
    void settle(sent, request).then(sendNext)
  })
  request.open('POST', atServer(isAlone ? '/api/submit/file/' : '/api/submit/files/'))
  for (const [header, value] of Object.entries(ownPageHeader)) request.setRequestHeader(header, value)
  request.responseType = 'json'
  request.send(form)
}

async function settle(sent: readonly Waiting[], { status, response }: XMLHttpRequest): Promise<void> {
  if (status === 201) {
    updateAll(sent, ({ id, file }) => stored(id, file, response.detail))
    void lookUntilProcessed()
  } else if (status === 200) {
    const { results } = response as Static<typeof SmallUploadsShape>
    updateAll(sent, ({ id, file }, n) => {
      const { stored: sample, refused } = results[n] ?? {}
      if (sample) return stored(id, file, sample)
      return { state: 'failed', problem: refused?.message ?? unreadable }
    })
    void lookUntilProcessed()
  } else if (status === 0 && !(await lookForServer())) {
    updateAll(sent, () => ({ state: 'waiting', done: 0 }))
  } else if (sent.length > 1 && mayBeOfOne(status)) {
    for (const { id } of sent) loners.add(id)
    updateAll(sent, () => ({ state: 'waiting', done: 0 }))
  } else {
    const problem = status === 0 ? unreadable : new Refusal(status, response ?? {}).message
    updateAll(sent, () => ({ state: 'failed', problem }))
  }
}

function stored(id: number, file: File, { sha256, known }: { sha256: string; known: boolean }): Partial<Upload> {
  forget(id)
  return { state: 'sent', done: file.size, sha256, isKnown: known }
}

/** Whether a request that ended so may do better with fewer files: not where the server refuses the user, or all requests. */
const mayBeOfOne = (status: number): boolean => status < 500 && ![401, 403, 429].includes(status)

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

/** Those that are on the list no more are left out. */
function updateAll(changed: readonly Waiting[], changes: (one: Waiting, place: number) => Partial<Upload>): void {
  const byId = new Map(changed.map((one, n) => [one.id, changes(one, n)]))
  publish(uploads.map((upload) => (byId.has(upload.id) ? { ...upload, ...byId.get(upload.id) } : upload)))
}

function publish(next: readonly Upload[]): void {
  uploads = next
  show()
}

const show = atMostEvery(NEWS_MS, () => {
  shown = uploads
  for (const listener of listeners) listener()
})
