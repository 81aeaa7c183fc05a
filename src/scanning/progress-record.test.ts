import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProgressReader, type ProgressStep, ProgressWriter } from './progress-record.ts'

test('a record has all its bytes from the start, over one that an earlier worker left', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-progress-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'record')
  for (const time of ['first', 'second']) {
    const reader = new ProgressReader(path)
    assert.equal(statSync(path).size, 512)
    assert.equal(reader.sequence(), 0, `the ${time} time`)
    const writer = new ProgressWriter(path)
    writer.note({ stage: 'scan', task: 7, item: 12, allowedMs: 10_500, ruleset: null, bundle: false })
    writer.close()
    reader.close()
  }
})

test('the reader sees the last step, and that it changed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-progress-'))
  const reader = new ProgressReader(join(folder, 'record'))
  t.after(() => {
    reader.close()
    rmSync(folder, { recursive: true })
  })
  assert.equal(reader.sequence(), 0)
  const writer = new ProgressWriter(join(folder, 'record'))
  t.after(() => writer.close())
  const step: ProgressStep = { stage: 'scan', task: 7, item: 12, allowedMs: 10_500, ruleset: 'r12 ü', bundle: false }
  writer.note(step)
  assert.equal(reader.sequence(), 1)
  assert.deepEqual(reader.step(), step)
  writer.touch()
  assert.equal(reader.sequence(), 2)
  const bundle: ProgressStep = { ...step, ruleset: null, bundle: true, stage: 'compile' }
  writer.note(bundle)
  assert.equal(reader.sequence(), 3)
  assert.deepEqual(reader.step(), bundle)
})
