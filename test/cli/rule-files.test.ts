import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { backtrailTo, binary, folderWith, places } from './running.ts'

const finds = (rule: string, text = 'in every sample') => `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

/** A data folder with one sample that holds the words, beside the files of the test. */
async function hunting(t: TestContext, files: Record<string, string | Uint8Array>, sample: string | Buffer = '') {
  const folder = folderWith(t, { ...files, sample: sample || 'this is in every sample' })
  const data = ['--data', join(folder, 'data')]
  await backtrailTo(0, ['ingest', join(folder, 'sample'), ...data])
  const hunt = async (paths: string[], options = {}) => {
    const { stdout } = await backtrailTo(0, ['hunt', ...paths, ...data], {
      cwd: folder,
      timeoutMs: 240_000,
      ...options,
    })
    return stdout
      .split('\n')
      .flatMap((line) => line.split('\t')[0] || [])
      .sort()
  }
  return { folder, data, hunt }
}

for (const [where, open] of Object.entries(places)) {
  test(`files of the same name in several folders become rulesets that all run ${where}`, async (t) => {
    const folder = folderWith(t, {
      'rules/a/mal.yar': finds('one'),
      'rules/b/mal.yar': finds('two'),
      'rules/b/other.yar': finds('three'),
      'rules/b/other.yara': finds('four'),
    })
    const at = await open(t, folder)
    const command = ['rules', 'import', join(folder, 'rules'), '--json', ...at]
    const imported = async (): Promise<Record<string, unknown>[]> =>
      (await backtrailTo(0, command)).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    const first = await imported()
    assert.deepEqual(
      first.map(({ ruleset, revision, runs }) => [ruleset, revision, runs]),
      ['a_mal', 'b_mal', 'other_yar', 'other_yara'].map((name) => [name, 1, true]),
    )
    assert.deepEqual(
      (await imported()).map(({ ruleset, revision }) => [ruleset, revision]),
      first.map(({ ruleset }) => [ruleset, 1]),
    )
  })
}

test('rules come from standard input, from pipes and through named links', async (t) => {
  const { folder, data, hunt } = await hunting(t, { 'r.yar': finds('found'), 'deep/r.yar': finds('deep') })
  symlinkSync(join(folder, 'r.yar'), join(folder, 'link.yar'))
  symlinkSync(join(folder, 'deep'), join(folder, 'link'))
  for (const path of ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])
    assert.deepEqual(await hunt([path], { input: finds('piped') }), ['piped'], path)
  assert.deepEqual(await hunt(['link.yar', 'link', 'r.yar']), ['deep', 'found'])
  const shell = async (text: string, code = 0) => {
    const command = `${text} --data ${folder}/data`
    return backtrailTo(code, ['-c', command], { command: 'bash', cwd: folder, timeoutMs: 240_000 })
  }
  const substituted = await shell(`${binary} hunt <(cat r.yar) <(cat deep/r.yar) < r.yar`)
  assert.deepEqual(substituted.stdout.match(/^\w+/gm)?.sort(), ['deep', 'found'])
  assert.match((await shell(`${binary} hunt /dev/stdin < r.yar`)).stdout, /^found\t/)
  assert.match((await shell(`cat r.yar | ${binary} explain -`)).stdout, /^rule found\n/)
  const wrong = await backtrailTo(2, ['hunt', '-', ...data], { input: '\n  rule x { condition: nothing_known }' })
  assert.match(wrong.stderr, /^<stdin>:2:\d+: /)
  assert.match((await shell(`${binary} hunt /dev/zero`, 1)).stderr, /\/dev\/zero: is longer than 64 MB/)

  const unnamed = await backtrailTo(3, ['rules', 'import', '-', ...data], { input: finds('saved') })
  assert.match(unnamed.stderr, /--name/)
  const named = await backtrailTo(0, ['rules', 'import', '-', '--name', 'from a pipe', '--json', ...data], {
    input: finds('saved'),
  })
  assert.equal(JSON.parse(named.stdout).ruleset, 'from a pipe')
})

test('rules with byte order marks, in UTF-16 and in Windows-1252 run as they are', async (t) => {
  const text = finds('found')
  const sample = Buffer.from('this is in every sample, at a caf\xe9', 'latin1')
  const { data, folder, hunt } = await hunting(
    t,
    {
      'mark.yar': `\uFEFF${text}`,
      'joined.yar': `\uFEFF${text}\uFEFF${finds('joined')}`,
      'little.yar': Buffer.from(`\uFEFF${text}`, 'utf16le'),
      'big.yar': Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
      'latin.yar': Buffer.from(`// \xa9 Andr\xe9\n${finds('latin', 'caf\xe9')}`, 'latin1'),
    },
    sample,
  )
  assert.deepEqual(await hunt(['mark.yar', 'joined.yar', 'little.yar', 'big.yar', 'latin.yar']), [
    'found',
    'found',
    'found',
    'found',
    'joined',
    'latin',
  ])
  await backtrailTo(0, [
    'rules',
    'import',
    ...['mark', 'little', 'latin'].map((name) => join(folder, `${name}.yar`)),
    ...data,
  ])
})

test('includes are resolved beside the file, once each, and problems are told in the file they are in', async (t) => {
  const { folder, data, hunt } = await hunting(t, {
    'set/index.yar': 'include "parts/one.yar"\ninclude "./parts/two.yar" include "parts/one.yar"\n',
    'set/parts/one.yar': `include "../shared.yar"\n${finds('one')} // no line end`,
    'set/parts/two.yar': `import "pe" include "../shared.yar"\nrule two { condition: shared and not pe.is_pe }`,
    'set/shared.yar': finds('shared'),
    'bad/index.yar': '// comment\ninclude "part.yar" rule last { condition: missing_here }\n',
    'bad/part.yar': 'rule fine { condition: true }\nrule wrong {\n  condition: missing_there\n}\n',
  })
  assert.deepEqual(await hunt(['set/index.yar']), ['one', 'shared', 'two'])
  assert.deepEqual(await hunt(['-'], { input: 'include "set/shared.yar"' }), ['shared'])
  // Each of the folder's files is a text of its own; the index, which has no rules, is none.
  assert.deepEqual(await hunt(['set']), ['one', 'shared', 'shared', 'shared', 'two'])
  await backtrailTo(0, ['rules', 'import', join(folder, 'set/index.yar'), ...data])
  assert.match((await backtrailTo(0, ['explain', join(folder, 'set/index.yar'), ...data])).stdout, /^rule two\n/m)
  const wrong = await backtrailTo(2, ['hunt', 'bad/index.yar', ...data], { cwd: folder })
  assert.match(wrong.stderr, /^bad\/part\.yar:3:14: .*missing_there/m)
  assert.match(wrong.stderr, /^bad\/index\.yar:2:\d\d: .*missing_here/m)
})

test('an include never leads out of the folder, nor for ever, and says where it stands', async (t) => {
  const { folder, data } = await hunting(t, {
    'outside.yar': finds('outside'),
    'set/up.yar': '\n  include "../outside.yar"',
    'set/link.yar': 'include "linked.yar"',
    'set/folder.yar': 'include "away/outside.yar"',
    'set/windows.yar': 'include "C:\\\\rules\\\\x.yar"',
    'set/gone.yar': 'include "gone-too.yar"',
    'set/self.yar': 'include "self.yar"',
    'set/round.yar': 'include "deep/round.yar"',
    'set/deep/round.yar': 'rule r { condition: true }\ninclude "../round.yar"',
    'set/itself.yar': 'include "."',
    ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`set/chain${i}.yar`, `include "chain${i + 1}.yar"`])),
    'set/absolute.yar': 'include "/etc/hosts"',
  })
  symlinkSync(join(folder, 'outside.yar'), join(folder, 'set/linked.yar'))
  symlinkSync(folder, join(folder, 'set/away'))
  mkdirSync(join(folder, 'set/empty'))
  for (const [file, said] of Object.entries({
    up: /^backtrail: set\/up\.yar:2:3: include "\.\.\/outside\.yar": it lies outside of /,
    link: /set\/link\.yar:1:1: .*outside of/,
    folder: /set\/folder\.yar:1:1: .*outside of/,
    windows: /set\/windows\.yar:1:1: .*must be relative/,
    absolute: /set\/absolute\.yar:1:1: .*must be relative/,
    gone: /set\/gone\.yar:1:1: .*no such file/,
    self: /set\/self\.yar:1:1: .*includes itself \(self\.yar → self\.yar\)/,
    round: /set\/deep\/round\.yar:2:1: .*includes itself \(round\.yar → deep\/round\.yar → round\.yar\)/,
    itself: /set\/itself\.yar:1:1: .*not a file/,
    chain0: /set\/chain32\.yar:1:1: .*more than 32 files/,
  })) {
    const { stderr } = await backtrailTo(1, ['hunt', `set/${file}.yar`, ...data], { cwd: folder })
    assert.match(stderr, said)
  }
})

test('a folder with files and rules that do not compile is run as far as it does when that is asked for', async (t) => {
  const good = Object.fromEntries(['a', 'b', 'c'].map((name) => [`rules/${name}.yar`, finds(name)]))
  const { folder, data, hunt } = await hunting(t, {
    ...good,
    'rules/bad.yar': `${finds('some')}\nrule bad { condition: not_known }\n`,
    'rules/gone.yar': 'include "nowhere.yar"',
    'rules/wrong.yar': 'rule wrong {',
  })
  const refused = await backtrailTo(1, ['hunt', 'rules', ...data], { cwd: folder })
  assert.match(refused.stderr, /rules\/gone\.yar:1:1: /)
  const invalid = await backtrailTo(2, ['hunt', 'rules/a.yar', 'rules/bad.yar', ...data], { cwd: folder })
  assert.match(invalid.stderr, /^rules\/bad\.yar:3:23: .*not_known/m)
  assert.match(invalid.stderr, /^1 of 2 files do not compile; with --partial/m)
  const partial = await backtrailTo(0, ['hunt', 'rules', '--partial', ...data], { cwd: folder })
  assert.deepEqual(partial.stdout.match(/^\w+/gm)?.sort(), ['a', 'b', 'c', 'some'])
  assert.match(partial.stderr, /^rules\/bad\.yar:3:23: rule bad is left out: .*not_known/m)
  assert.match(partial.stderr, /^rules\/wrong\.yar:1:\d+: everything in it is left out: /m)
  assert.match(partial.stderr, /rules\/gone\.yar:1:1: /)
  const explained = await backtrailTo(0, ['explain', 'rules/bad.yar', '--partial', ...data], { cwd: folder })
  assert.match(explained.stdout, /^rule some\n/)
  assert.match(explained.stderr, /rule bad is left out/)
  await backtrailTo(2, ['rules', 'import', 'rules/bad.yar', ...data], { cwd: folder })
  const imported = await backtrailTo(0, ['rules', 'import', 'rules/bad.yar', '--partial', ...data], { cwd: folder })
  assert.match(imported.stderr, /rule bad is left out/)
  assert.deepEqual(await hunt(['rules/c.yar']), ['c'])
})
