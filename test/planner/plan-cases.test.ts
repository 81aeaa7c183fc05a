/**
 * Every `cases/NAME.yar` that has a `NAME.plan` beside it is planned as that shows.
 *
 * `UPDATE_CASES=1` writes the plans anew; read the difference before it is committed.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { planRuleset, printRulesetPlan } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'

const folder = join(import.meta.dirname, '../yara/cases')
const names = globSync('plan-*.yar', { cwd: folder }).map((name) => name.slice(0, -'.yar'.length))

test('there are cases for every form that a plan looks at', () => {
  assert.ok(names.length >= 17, `only ${names.length} cases found in ${folder}`)
})

for (const name of names.sort()) {
  test(`${name}.yar is planned as ${name}.plan shows`, () => {
    const plan = printRulesetPlan(planRuleset(parse(readFileSync(join(folder, `${name}.yar`), 'utf8'))))
    const path = join(folder, `${name}.plan`)
    if (process.env.UPDATE_CASES === '1') writeFileSync(path, plan)
    assert.ok(existsSync(path), `${path} is missing; UPDATE_CASES=1 writes it`)
    assert.equal(plan, readFileSync(path, 'utf8'))
  })
}

test('a .plan without its .yar is not left behind', () => {
  const orphans = globSync('*.plan', { cwd: folder }).filter((name) => !names.includes(name.slice(0, -'.plan'.length)))
  assert.deepEqual(orphans, [])
})
