import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  bitOf,
  type Channel,
  gramHash,
  SegmentReader,
  SignatureView,
  sign,
  writeSegment,
} from '../../src/index/index.ts'

/**
 * Files that were written by version 1 of the formats, with what they say as text. They stay as they are: a later
 * version must read them with the same answers, or call them damaged so that they are rebuilt.
 */
const golden = (name: string) => join(import.meta.dirname, 'golden', name)
const lines = readFileSync(golden('v1.txt'), 'utf8').split('\n')

/** The lines that start with a word, without it, taken apart as JSON values separated by spaces. */
function linesOf(word: string): (string | number)[][] {
  const found = lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
  assert.ok(found.length > 0, `v1.txt has no line that starts with ${word}`)
  return found.map((line) =>
    (line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((part) => (/^["\d]/.test(part) ? JSON.parse(part) : part)),
  )
}

function signed(content: string): Uint8Array {
  const bytes = Buffer.from(content, 'latin1')
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return sign(bytes, { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') })
}

const samples = linesOf('sample').map(([id, content]) => ({ id: id as number, content: content as string }))
const unfiltered = linesOf('unfiltered').map(([id, size, head]) => ({ id, size, head: head as string }))
const reader = SegmentReader.open(golden('v1.segment'))

test.after(() => reader.close())

test('the golden signature is what signing gives today', () => {
  const record = readFileSync(golden('v1.signature'))
  const sample = samples.find(({ id }) => id === 13)
  assert.deepEqual(signed(sample?.content as string), new Uint8Array(record))
  assert.equal(SignatureView.of(record).size, sample?.content.length)
})

test('the golden segment holds the listed samples, in the listed groups', () => {
  reader.check()
  assert.deepEqual(
    reader.groups.map(({ layout, bits, ids }) => [layout, bits, ...ids]),
    linesOf('group'),
  )
  const views = new Map([...reader.records()].map(({ id, record }) => [id, SignatureView.of(record)]))
  assert.equal(views.size, samples.length + unfiltered.length)
  for (const { id, content } of samples) assert.deepEqual(views.get(id), SignatureView.of(signed(content)), `${id}`)
  for (const { id, size, head } of unfiltered) {
    const view = views.get(id as number) as SignatureView
    assert.deepEqual([view.bits, view.size], [0, size])
    assert.equal(Buffer.from(view.head).toString('latin1').slice(0, head.length), head)
  }
})

test('the golden segment gives the listed candidates for every gram', () => {
  for (const [channel, text, ...ids] of linesOf('gram')) {
    const hash = gramHash(channel as Channel, Buffer.from(text as string, 'latin1').readUInt32LE())
    const found = reader.groups.flatMap((group) => {
      const row = new Uint32Array(group.words)
      group.readRows(Uint32Array.of(bitOf(hash, group.bits)), row)
      return [...group.ids].filter((_, s) => ((row[s >> 5] as number) >>> (s & 31)) & 1)
    })
    assert.deepEqual(
      found.sort((a, b) => a - b),
      ids,
      `${channel} ${text}`,
    )
  }
})

test('writing the listed samples today gives the golden segment byte for byte', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'segment')
  writeSegment(
    path,
    [...reader.records()].sort((a, b) => a.id - b.id),
  )
  assert.deepEqual(readFileSync(path), readFileSync(golden('v1.segment')))
})
