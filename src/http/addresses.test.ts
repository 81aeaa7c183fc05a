import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyTrust } from './addresses.ts'

test('a proxy is trusted by address, by network or by group, in both families', () => {
  const cases: readonly [readonly string[], string, boolean][] = [
    [[], '127.0.0.1', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['192.0.2.7'], '::ffff:192.0.2.7', true],
    [['192.0.2.0/24'], '192.0.2.200', true],
    [['2001:db8::/32'], '2001:db8:1::1', true],
    [['2001:db8::1'], '2001:db8::2', false],
    [['loopback'], '127.3.2.1', true],
    [['loopback'], '::1', true],
    [['uniquelocal'], '10.1.2.3', true],
    [['uniquelocal', 'linklocal'], '169.254.1.1', true],
    [['uniquelocal'], '8.8.8.8', false],
  ]
  for (const [proxies, address, trusted] of cases) {
    assert.equal(proxyTrust(proxies)(address), trusted, `${proxies} ${address}`)
  }
  assert.equal(proxyTrust(['loopback'])(undefined), false)
})
