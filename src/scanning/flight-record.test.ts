import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FlightReader, type FlightStep, FlightWriter } from './flight-record.ts'

test('the reader sees the last step, and that it changed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-flight-'))
  const reader = new FlightReader(join(folder, 'record'))
  t.after(() => {
    reader.close()
    rmSync(folder, { recursive: true })
  })
  assert.equal(reader.sequence(), 0)
  const writer = new FlightWriter(join(folder, 'record'))
  t.after(() => writer.close())
  const step: FlightStep = { stage: 'scan', task: 7, item: 12, allowedMs: 10_500, ruleset: 'r12 ü', bundle: false }
  writer.note(step)
  assert.equal(reader.sequence(), 1)
  assert.deepEqual(reader.step(), step)
  writer.touch()
  assert.equal(reader.sequence(), 2)
  const bundle: FlightStep = { ...step, ruleset: null, bundle: true, stage: 'compile' }
  writer.note(bundle)
  assert.equal(reader.sequence(), 3)
  assert.deepEqual(reader.step(), bundle)
})
