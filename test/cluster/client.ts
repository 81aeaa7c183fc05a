import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { SOON_MS } from './rows.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers as JavaScript does
export type Json = any

/** Of the first administrator, for servers and clients. */
export const token = 'token-of-the-first-administrator-0123456789'

/** A client of one server of a cluster. */
export class Client {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** Sends a plain object as JSON. Rejects where the connection breaks. */
  async call(method: string, path: string, body?: FormData | URLSearchParams | object) {
    const isForm = body instanceof FormData || body instanceof URLSearchParams
    const isJson = body !== undefined && !isForm
    const answer = await fetch(this.url + path, {
      method,
      headers: { authorization: `Token ${token}`, ...(isJson && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const json: Json = /^[{[]/.test(text) ? JSON.parse(text) : null
    return { status: answer.status, text, json }
  }

  /** The answer; fails unless it has the status. */
  async demand(
    status: number,
    method: string,
    path: string,
    body?: FormData | URLSearchParams | object,
  ): Promise<Json> {
    const answer = await this.call(method, path, body)
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
    return answer.json
  }

  upload(content: string) {
    const form = new FormData()
    form.append('file', new Blob([content]), 'sample')
    return this.call('POST', '/api/submit/file/', form)
  }

  /** Uploads, and gives the SHA-256; fails unless that was acknowledged. */
  async take(content: string): Promise<string> {
    const { status, text } = await this.upload(content)
    assert.equal(status, 201, text)
    return sha256(content)
  }

  async save(name: string, content: string): Promise<void> {
    await this.demand(200, 'POST', '/api/yara/ruleset/', new URLSearchParams({ name, content }))
  }

  /** SHA-256 of the samples, sorted. */
  async matchesOf(name: string): Promise<string[]> {
    const { results } = await this.demand(200, 'GET', `/api/yara/v2/ruleset/matches/?name=${name}`)
    return results.map(({ sha256 }: Json) => sha256).sort()
  }

  async beginHunt(content: string, index = true): Promise<number> {
    const { id } = await this.demand(201, 'POST', '/api/hunts/', { rules: [{ name: 'hunt', content }], index })
    return id
  }

  /** What a hunt has found when it has ended, as SHA-256, sorted; each once. */
  async foundBy(id: number): Promise<string[]> {
    await until(async () => {
      const { state } = await this.demand(200, 'GET', `/api/hunts/${id}/`)
      return state !== 'queued' && state !== 'running'
    }, `hunt ${id} ends`)
    const { state, failure, skipped } = await this.demand(200, 'GET', `/api/hunts/${id}/`)
    assert.deepEqual([state, skipped], ['completed', 0], failure)
    const { results } = await this.demand(200, 'GET', `/api/hunts/${id}/results/?limit=1000`)
    const found: string[] = results.map(({ sha256 }: Json) => sha256)
    assert.equal(new Set(found).size, found.length, 'a hit was stored twice')
    return found.sort()
  }

  async hunt(content: string, index = true): Promise<string[]> {
    return this.foundBy(await this.beginHunt(content, index))
  }

  /** Waits until these are processed. */
  async processed(hashes: readonly string[]): Promise<void> {
    const body = new URLSearchParams(hashes.map((hash) => ['hash_values', hash]))
    await until(async () => {
      const { results } = await this.demand(200, 'POST', '/api/samples/status/?status=processed', body)
      return results.length === hashes.length
    }, 'the samples are processed')
  }
}

export async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (const begin = performance.now(); !(await holds()); await delay(20))
    assert.ok(performance.now() - begin < SOON_MS, `waited in vain until ${what}`)
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
