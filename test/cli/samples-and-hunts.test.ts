import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrailTo, folderWith, places } from './running.ts'

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')
const marked = 'this file carries the marker backtrail-7f3a\n'
const plain = 'this file carries none\n'

const rules = {
  'rules/marked.yar': `rule marked : trail animal { strings: $a = "backtrail-7f3a" condition: $a }
    rule named { condition: filename == "marked.txt" and extension == ".txt" and filepath endswith "/in" and owner != "" }`,
  'rules/nothing.yar': 'rule nothing { strings: $a = "there is no such text anywhere" condition: $a }',
}

for (const [where, open] of Object.entries(places)) {
  test(`samples are taken in and hunted ${where}`, async (t) => {
    const folder = folderWith(t, { ...rules, 'in/marked.txt': marked, 'in/deep/plain.txt': plain, 'in/empty': '' })
    symlinkSync('/etc', join(folder, 'in/link'))
    const at = await open(t, folder)

    const first = await backtrailTo(0, ['ingest', join(folder, 'in'), '--json', ...at])
    const lines = first.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      lines.sort((a, b) => (a.path < b.path ? -1 : 1)),
      [
        { path: join(folder, 'in/deep/plain.txt'), sha256: sha256(plain), size: plain.length, known: false },
        { path: join(folder, 'in/empty'), sha256: sha256(''), size: 0, known: false },
        { path: join(folder, 'in/marked.txt'), sha256: sha256(marked), size: marked.length, known: false },
      ],
    )
    assert.match(first.stderr, /^3 files taken in, 1 link or special file left out; \d+ bytes in .*\/s\n$/)

    const again = await backtrailTo(1, ['ingest', join(folder, 'in/marked.txt'), join(folder, 'gone'), ...at])
    assert.equal(again.stdout, '')
    assert.match(
      again.stderr,
      /gone: no such file or directory\n1 file taken in, 1 of them known already, 1 path not taken in;/,
    )

    const all = join(folder, 'rules')
    const digest = sha256(marked)
    const hunt = await backtrailTo(0, ['hunt', all, ...at])
    assert.deepEqual(hunt.stdout.trim().split('\n').sort(), [
      `marked\t${digest}\tmarked.txt`,
      `named\t${digest}\tmarked.txt`,
    ])
    const asJson = await backtrailTo(0, ['hunt', join(all, 'marked.yar'), '--json', '--no-index', ...at])
    assert.deepEqual(
      asJson.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .sort((a, b) => (a.rule < b.rule ? -1 : 1)),
      [
        { ruleset: 'marked', rule: 'marked', sha256: digest, filename: 'marked.txt', tags: ['trail', 'animal'] },
        { ruleset: 'marked', rule: 'named', sha256: digest, filename: 'marked.txt', tags: [] },
      ],
    )
    assert.equal((await backtrailTo(0, ['hunt', join(all, 'nothing.yar'), ...at])).stdout, '')
  })

  test(`rules that do not compile are told by file, line and column ${where}`, async (t) => {
    const folder = folderWith(t, {
      'good.yar': 'rule good { condition: filesize > 1 }',
      'bad.yar': 'rule bad {\n  condition:\n    $a\n}\n',
      'worse.yar': 'rule worse { strings: $b = "x" condition: $b and missing }',
      'sample.txt': plain,
    })
    const at = await open(t, folder)
    await backtrailTo(0, ['ingest', join(folder, 'sample.txt'), ...at])
    const files = ['good.yar', 'bad.yar', 'worse.yar'].map((name) => join(folder, name))
    for (const command of ['hunt', 'explain']) {
      const { stdout, stderr } = await backtrailTo(2, [command, ...files, ...at])
      assert.equal(stdout, '')
      assert.match(stderr, new RegExp(`^${folder}/bad\\.yar:3:5: .+$`, 'm'))
      assert.match(stderr, new RegExp(`^${folder}/worse\\.yar:1:\\d+: .+$`, 'm'))
      assert.doesNotMatch(stderr, /good\.yar/)
    }
    assert.match((await backtrailTo(1, ['hunt', join(folder, 'gone.yar'), ...at])).stderr, /gone\.yar: no such file/)
  })

  test(`a hunt reads no more than it may, and says what would have ${where}`, async (t) => {
    const folder = folderWith(t, {
      'in/marked.txt': marked,
      'in/plain.txt': plain,
      'both.yar': `rule cheap { strings: $a = "backtrail-7f3a" condition: $a }
rule costly { strings: $b = "ab" condition: $b or filesize > 1 }`,
    })
    const at = await open(t, folder)
    await backtrailTo(0, ['ingest', join(folder, 'in'), ...at])
    const hunt = ['hunt', join(folder, 'both.yar'), ...at]
    const refused = await backtrailTo(1, [...hunt, '--most-read', '50B'])
    assert.equal(refused.stdout, '')
    assert.match(
      refused.stderr,
      /would read 67 bytes of samples, and may read 50 bytes\. Most of it .* the rule costly of both .* in line 2/,
    )
    const rest = await backtrailTo(0, [...hunt, '--most-read', '50B', '--leave-out-costly'])
    assert.match(rest.stdout, /^cheap\t[0-9a-f]{64}\tmarked\.txt\n$/)
    assert.match(rest.stderr, /both\.yar:2:1: .*costly.* would read 67 bytes/)
    assert.match((await backtrailTo(0, [...hunt, '--most-read', '1KB'])).stdout, /^costly\t/m)
    assert.match((await backtrailTo(3, [...hunt, '--most-read', 'much'])).stderr, /--most-read must be a size/)
    assert.match((await backtrailTo(3, [...hunt, '--leave-out-costly'])).stderr, /--most-read says how much/)
  })

  test(`explain tells plan, obstacles and expected reading of every rule ${where}`, async (t) => {
    const folder = folderWith(t, {
      'in/marked.txt': marked,
      'in/plain.txt': plain,
      'hard.yar': `
      rule indexed { strings: $a = "backtrail-7f3a" condition: $a }
      rule unindexed { strings: $b = "ab" condition: $b }`,
    })
    const at = await open(t, folder)
    await backtrailTo(0, ['ingest', join(folder, 'in'), ...at])
    const explained = await backtrailTo(0, ['explain', join(folder, 'hard.yar'), ...at])
    assert.match(
      explained.stdout,
      /^rule indexed\n {2}\$a: \d+ grams, \d+ long\n {2}expected to read: 1 sample \(50 %\), 44 bytes \(66 %\)\n/m,
    )
    assert.match(
      explained.stdout,
      /^rule unindexed\n(.*\n)* {2}\$b cannot use the index: .+\n {2}expected to read: 2 samples \(100 %\)/m,
    )
    const asJson = await backtrailTo(0, ['explain', join(folder, 'hard.yar'), '--json', ...at])
    const [first, second] = asJson.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      [first.ruleset, first.rule, first.corpus.samples, first.expected.samples],
      ['hard', 'indexed', 2, 1],
    )
    assert.equal(second.unindexable[0].identifier, '$b')
  })

  test(`the index is built, checked and measured ${where}`, async (t) => {
    const folder = folderWith(t, { 'in/marked.txt': marked, 'in/plain.txt': plain })
    const at = await open(t, folder)
    await backtrailTo(0, ['ingest', join(folder, 'in'), ...at])
    assert.match((await backtrailTo(0, ['index', 'build', ...at])).stdout, /^\d+ samples? indexed\n$/)
    assert.match((await backtrailTo(0, ['index', 'check', ...at])).stdout, /^\d segments? and 2 samples checked\n$/)
    assert.match(
      (await backtrailTo(0, ['index', 'stats', ...at])).stdout,
      /^samples indexed +2 with 67 bytes\nnot indexed yet +0 with 0 bytes\n/,
    )
    const stats = JSON.parse((await backtrailTo(0, ['index', 'stats', '--json', ...at])).stdout)
    assert.deepEqual([stats.samples, stats.sampleBytes, stats.damaged], [2, 67, 0])
    assert.match((await backtrailTo(3, ['index', 'check', '--every', '0', ...at])).stderr, /--every must be/)
  })
}
