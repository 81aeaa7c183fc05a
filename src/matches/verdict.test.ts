import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleSummary } from '../store/index.ts'
import { verdictOf } from './verdict.ts'

const rule = (name: string, tags: string, meta: RuleSummary['meta'] = {}): RuleSummary => ({
  name,
  tags: tags.split(' ').filter(Boolean),
  meta,
  fingerprint: '',
})

test('a rule classifies with tc_detection and one of malicious and suspicious, and not otherwise', () => {
  assert.equal(verdictOf(rule('r', '')), null)
  assert.equal(verdictOf(rule('r', 'tc_detection')), null)
  assert.equal(verdictOf(rule('r', 'malicious')), null)
  assert.equal(verdictOf(rule('r', 'tc_detection suspicious'))?.classification, 2)
  assert.equal(verdictOf(rule('r', 'malicious tc_detection'))?.classification, 3)
  assert.equal(verdictOf(rule('r', 'tc_detection suspicious malicious'))?.classification, 3)
})

test('the metadata give type, name and risk, the name of the rule gives the platform', () => {
  const meta = { tc_detection_type: 'Trojan', tc_detection_name: 'Emotet', tc_detection_factor: 5 }
  assert.deepEqual(verdictOf(rule('Win32_Trojan_Emotet', 'tc_detection malicious', meta)), {
    rule: 'Win32_Trojan_Emotet',
    classification: 3,
    riskScore: 10,
    platform: 'Win32',
    threat: 'Trojan.Emotet',
  })
  const platform = (name: string): unknown => verdictOf(rule(name, 'tc_detection malicious'))?.platform
  assert.equal(platform('Bytecode_MSIL_Ransomware_X'), 'ByteCode-MSIL')
  assert.equal(platform('Linux_Virus_X'), 'Linux')
  assert.equal(platform('Emotet'), null)
  assert.equal(platform('Win32'), null)
})

test('the factor becomes the risk score of the threat-level table', () => {
  const risk = (tags: string, factor?: number): unknown =>
    verdictOf(rule('r', `tc_detection ${tags}`, factor === undefined ? {} : { tc_detection_factor: factor }))?.riskScore
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 9].map((factor) => risk('malicious', factor)),
    [6, 6, 7, 8, 9, 10, 10],
  )
  assert.deepEqual(
    [-1, 0, 1, 2, 3, 4, 5].map((factor) => risk('suspicious', factor)),
    [5, 5, 6, 7, 8, 9, 10],
  )
  assert.equal(risk('malicious'), 10)
  assert.equal(risk('suspicious'), 6)
})

test('what the metadata leave out is filled in', () => {
  const threat = (meta: RuleSummary['meta']): unknown =>
    verdictOf(rule('my_rule', 'tc_detection malicious', meta))?.threat
  assert.equal(threat({}), 'Malware.my_rule')
  assert.equal(threat({ tc_detection_type: 'ransomware', tc_detection_name: 'X' }), 'Ransomware.X')
  assert.equal(threat({ tc_detection_type: 'Something', tc_detection_name: '' }), 'Malware.my_rule')
})
