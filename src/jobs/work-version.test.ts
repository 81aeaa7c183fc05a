import assert from 'node:assert/strict'
import { test } from 'node:test'
import { programVersion } from '../settings/index.ts'
import { workVersion } from './work-version.ts'

test('nodes whose engines are built otherwise are not of the version of a server, though their program is', (t) => {
  assert.equal(workVersion('native'), programVersion)
  const others = [workVersion('wasm')]
  const { arch } = process
  t.after(() => Object.defineProperty(process, 'arch', { value: arch }))
  Object.defineProperty(process, 'arch', { value: 'arm64' })
  others.push(workVersion('native'))
  assert.equal(new Set([programVersion, ...others]).size, 3)
})
