/**
 * Every `cases/NAME.yar` is read as its `cases/NAME.ast` shows, and the engine agrees on what is YARA. Cases called
 * `error-…` are refused by both, those called `unknown-…` hold something that only the engine understands, and those
 * called `beyond-engine-…` are YARA, but not the engine's.
 *
 * `UPDATE_CASES=1` writes the trees anew; read the difference before it is committed.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { printSource } from '../../src/yara/dump.fixture.ts'
import { parse } from '../../src/yara/index.ts'
import { EngineWitness } from './engine.ts'

const folder = join(import.meta.dirname, 'cases')
const names = globSync('*.yar', { cwd: folder })
  .map((name) => name.slice(0, -'.yar'.length))
  .sort()

const engine = new EngineWitness()
after(() => engine.close())

test('there are cases for every form of the language', () => {
  assert.ok(names.length >= 60, `only ${names.length} cases found in ${folder}`)
})

for (const name of names) {
  test(`${name}.yar is read as ${name}.ast shows`, () => {
    const text = readFileSync(join(folder, `${name}.yar`), 'utf8')
    const tree = printSource(parse(text))
    const path = join(folder, `${name}.ast`)
    if (process.env.UPDATE_CASES === '1') writeFileSync(path, tree)
    assert.ok(existsSync(path), `${path} is missing; UPDATE_CASES=1 writes it`)
    assert.equal(tree, readFileSync(path, 'utf8'))
  })

  test(`the engine and this parser agree on ${name}.yar`, async () => {
    const text = readFileSync(join(folder, `${name}.yar`), 'utf8')
    const { rules, diagnostics } = parse(text)
    const isError = name.startsWith('error-') || name === 'include-refused'
    const answer = await engine.ask(text)
    assert.equal(answer?.accepted, !isError && !name.startsWith('beyond-engine-'), answer?.message ?? 'the engine died')
    assert.equal(diagnostics.length > 0, isError, JSON.stringify(diagnostics))
    if (!isError && !name.startsWith('unknown-'))
      assert.ok(
        !printSource({ imports: [], includes: [], notUnderstood: null, rules, diagnostics }).includes('unknown'),
      )
  })
}

test('a .ast without its .yar is not left behind', () => {
  const orphans = globSync('*.ast', { cwd: folder }).filter((name) => !names.includes(name.slice(0, -'.ast'.length)))
  assert.deepEqual(orphans, [])
})
