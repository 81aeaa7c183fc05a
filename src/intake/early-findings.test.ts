import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type EarlyFinding, EarlyFindings } from './early-findings.ts'

function finding(name: string, signatureBytes: number): EarlyFinding {
  const identification = { fileType: 'Text/None', description: '', isArchive: false }
  const signature = new Uint8Array(signatureBytes)
  const found = { identification, signature, program: null, hits: [], errors: [] }
  return {
    known: { name, folder: '', owner: '' },
    live: { id: 'live:1', generation: 1, rulesets: [], members: [] },
    found,
  }
}

test('what was found about a content is given once, and only the latest of it', () => {
  const findings = new EarlyFindings()
  const [one, other] = [randomBytes(32), randomBytes(32)]
  findings.keep(one, finding('before', 100))
  findings.keep(one, finding('after', 100))
  findings.keep(other, finding('other', 100))
  assert.equal(findings.take(one)?.known.name, 'after')
  assert.equal(findings.take(one), undefined)
  assert.equal(findings.take(other)?.known.name, 'other')
})

test('the signatures that wait are bounded, and what was taken or replaced does not count', () => {
  const findings = new EarlyFindings()
  const megabytes = 1024 * 1024
  const digests = Array.from({ length: 4 }, () => randomBytes(32))
  for (const digest of digests) {
    assert.equal(findings.isFull, false)
    for (let times = 0; times < 3; times++) findings.keep(digest, finding('', 16 * megabytes))
  }
  assert.equal(findings.isFull, true)
  const late = randomBytes(32)
  findings.keep(late, finding('', 1))
  assert.equal(findings.take(late), undefined)
  findings.take(digests[0] as Uint8Array)
  assert.equal(findings.isFull, false)
})
