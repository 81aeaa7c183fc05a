/** `backtrail check RULES`, which the build of a rule repository runs: no server, no data folder, formats for machines. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { skipWithout } from '../http/harness.ts'
import { backtrail, backtrailTo, binary, folderWith } from './running.ts'

const noPython = skipWithout(spawnSync('python3', ['--version']).status === 0, 'python3 is not installed')

const sound = 'rule sound { strings: $a = "some words" condition: $a }'
const warned = 'rule warned { condition: true }'
const broken = '// é 😀\nrule broken {\n  condition: /* é😀 */ nothing_known\n}\n'
const half = 'rule half { strings: $a = "one \n'

const files = {
  'a folder/sound.yar': sound,
  'a folder/warned.yar': warned,
  'a folder/brökén & <new>.yar': broken,
  'a folder/half.yar': half,
  'a folder/lost.yar': `${sound}\ninclude "nowhere.yar"`,
  'a folder/notes.txt': 'no rules',
}

test('rules are checked without a data folder, and the exit status says what is wrong', async (t) => {
  const folder = folderWith(t, files)
  const cwd = { cwd: folder }
  const good = await backtrailTo(0, ['check', 'a folder/sound.yar', 'a folder/warned.yar'], cwd)
  assert.match(good.stdout, /^a folder\/warned\.yar:1:26: warning: .* \[invariant_expr\]\n$/)
  assert.equal(good.stderr, '2 files checked\n')
  const bad = await backtrailTo(2, ['check', 'a folder'], cwd)
  assert.match(
    bad.stdout,
    /^a folder\/brökén & <new>\.yar:3:23: error: unknown identifier `nothing_known`.* \[E009\]$/m,
  )
  assert.match(bad.stdout, /^a folder\/half\.yar:1:\d+: error: /m)
  assert.match(
    bad.stdout,
    /^a folder\/lost\.yar:2:1: error: include "nowhere\.yar": no such file or directory \[unreadable\]$/m,
  )
  assert.equal(bad.stderr, '5 files checked, 2 of them do not compile, 1 cannot be read\n')
  const unreadable = await backtrailTo(1, ['check', 'a folder/sound.yar', 'nowhere.yar'], cwd)
  assert.match(unreadable.stdout, /^nowhere\.yar:1:1: error: no such file or directory \[unreadable\]$/m)
  const none = await backtrailTo(1, ['check', folderWith(t)], cwd)
  assert.match(none.stderr, /There is no YARA file in/)
  assert.equal(existsSync(`${folder}/data`), false)
})

test('rules come from standard input and from the pipe behind <(command)', async (t) => {
  const folder = folderWith(t, files)
  const piped = await backtrailTo(2, ['check', '-'], { input: broken, cwd: folder })
  assert.match(piped.stdout, /^<stdin>:3:23: error: /)
  const shell = await backtrailTo(2, ['-c', `${binary} check <(cat "a folder"/sound.yar) <(cat "a folder"/brö*.yar)`], {
    command: 'bash',
    cwd: folder,
  })
  assert.match(shell.stdout, /^<pipe \d+>:3:23: error: /)
  assert.match(shell.stderr, /^2 files checked, 1 of them do not compile/)
})

test('JSON lines name each file, whether it runs, and where what is wrong begins and ends', async (t) => {
  const { stdout } = await backtrailTo(2, ['check', 'a folder', '--json'], { cwd: folderWith(t, files) })
  const byPath = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((file) => [file.path, file]),
  )
  assert.equal(byPath.size, 5)
  assert.deepEqual(byPath.get('a folder/sound.yar'), {
    path: 'a folder/sound.yar',
    readable: true,
    valid: true,
    engine: 'YARA-X 1.7.1',
    diagnostics: [],
  })
  const { valid, diagnostics } = byPath.get('a folder/brökén & <new>.yar')
  const [{ message, ...place }] = diagnostics
  assert.equal(valid, false)
  assert.match(message, /nothing_known/)
  assert.deepEqual(place, {
    path: 'a folder/brökén & <new>.yar',
    line: 3,
    column: 23,
    severity: 'error',
    code: 'E009',
    end_line: 3,
    end_column: 36,
  })
  assert.equal(byPath.get('a folder/lost.yar').readable, false)
})

test('SARIF has what version 2.1.0 demands, with relative addresses and the columns of characters', async (t) => {
  const { stdout } = await backtrailTo(2, ['check', 'a folder', '--sarif'], { cwd: folderWith(t, files) })
  const log = JSON.parse(stdout)
  assert.equal(log.version, '2.1.0')
  assert.match(log.$schema, /sarif-schema-2\.1\.0\.json$/)
  assert.equal(log.runs.length, 1)
  const [{ tool, results, columnKind, artifacts }] = log.runs
  assert.equal(tool.driver.name, 'Backtrail')
  assert.equal(columnKind, 'unicodeCodePoints')
  assert.equal(artifacts.length, 5)
  const ids = tool.driver.rules.map(({ id }: { id: string }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { ruleId, ruleIndex, level, message, locations } of results) {
    assert.equal(ids[ruleIndex], ruleId)
    assert.match(level, /^(error|warning)$/)
    assert.ok(message.text.length > 0)
    const [{ physicalLocation }] = locations
    const { uri } = physicalLocation.artifactLocation
    // RFC 3986, as the schema demands: a relative reference.
    assert.match(uri, /^[A-Za-z0-9\-._~!$'()*+,;=:@/%]+$/)
    assert.match(uri, /^a%20folder\//)
    const { startLine, startColumn, endLine, endColumn } = physicalLocation.region
    assert.ok(startLine >= 1 && startColumn >= 1)
    assert.ok(endLine > startLine || (endLine === startLine && endColumn >= startColumn))
  }
  const unknown = results.find(({ ruleId }: { ruleId: string }) => ruleId === 'E009')
  assert.equal(
    decodeURIComponent(unknown.locations[0].physicalLocation.artifactLocation.uri),
    'a folder/brökén & <new>.yar',
  )
  assert.deepEqual(unknown.locations[0].physicalLocation.region, {
    startLine: 3,
    startColumn: 23,
    endLine: 3,
    endColumn: 36,
  })
})

test('the XML of JUnit is well-formed, and has a test case for each file', { skip: noPython }, async (t) => {
  const odd = { ...files, 'a folder/odd.yar': 'rule odd { condition: "\u0001\u0007" & <b> ]]> }' }
  const { stdout } = await backtrailTo(2, ['check', 'a folder', '--junit'], { cwd: folderWith(t, odd) })
  const script = `import sys, json, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
suite = root.find('testsuite')
print(json.dumps([root.attrib, [[c.get('name'), [e.tag for e in c], ''.join(c.itertext())] for c in suite]]))`
  const [attributes, cases] = JSON.parse(execFileSync('python3', ['-c', script], { input: stdout }).toString())
  assert.deepEqual(attributes, { name: 'backtrail check', tests: '6', failures: '3', errors: '1' })
  const byName = new Map(cases.map(([name, elements, text]: [string, string[], string]) => [name, { elements, text }]))
  const of = (name: string) => byName.get(`a folder/${name}`) as { elements: string[]; text: string }
  assert.deepEqual(of('sound.yar').elements, [])
  assert.deepEqual(of('warned.yar').elements, ['system-out'])
  assert.deepEqual(of('lost.yar').elements, ['error'])
  assert.deepEqual(of('brökén & <new>.yar').elements, ['failure'])
  assert.match(of('brökén & <new>.yar').text, /brökén & <new>\.yar:3:23: unknown identifier/)
})

test('a format without rules, and rules with what is for stored samples, are refused: nothing else is checked', async (t) => {
  const folder = folderWith(t, files)
  for (const format of ['--json', '--sarif', '--junit'])
    assert.match(
      (await backtrailTo(3, ['check', format], { cwd: folder })).stderr,
      /is for rules: name files or folders/,
    )
  for (const flags of [['--rebuild'], ['--every', '2'], ['--data', 'data'], ['--server', 'http://localhost:1']])
    assert.match(
      (await backtrailTo(3, ['check', 'a folder', ...flags], { cwd: folder })).stderr,
      /is for what is stored/,
    )
  assert.match(
    (await backtrailTo(3, ['check', 'a folder', '--json', '--sarif'], { cwd: folder })).stderr,
    /cannot be used with/,
  )
})

test('a rule that the engine cannot compile or that takes it down is an error of its file, and the others are checked', async (t) => {
  const folder = folderWith(t, {
    'macho.yar': 'import "macho" rule m { condition: macho.segments[1].filesize == 4096 }',
    'sound.yar': sound,
  })
  const { stdout } = await backtrail(['check', '.', '--json'], { cwd: folder, timeoutMs: 180_000 })
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ path, valid }) => [path, valid]),
    [
      ['./macho.yar', false],
      ['./sound.yar', true],
    ],
  )
})
