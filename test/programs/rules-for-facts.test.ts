/** The rules that the page of a sample offers for each fact: each compiles, and holds for the program that it is of. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { programJson } from '../../src/http/routes/program-json.ts'
import { traitsOf } from '../../src/programs/index.ts'
import { ruleFor } from '../../web/src/pages/sample/rule-for.ts'
import { engineFor, programFactsOf } from '../planner/engine.ts'
import { asManyFacts, builtMachO, builtUniversal, linuxPrograms } from './built-programs.ts'

test('the rule that is offered for a fact of a program holds for that program', () => {
  const programs = [...Object.values(asManyFacts()), builtMachO(), builtUniversal(), ...linuxPrograms().slice(0, 3)]
  const asked = new Set<string>()
  for (const bytes of programs) {
    const facts = programFactsOf(bytes)
    assert.ok(facts)
    const program = programJson(facts)
    let exports = 0
    const traits = traitsOf(facts).filter(({ field }) => field !== 'export' || ++exports <= 3)
    const compiled = program.compiled === null ? [] : [{ field: 'compiled', value: program.compiled }]
    for (const fact of [...traits, ...compiled]) {
      const text = ruleFor(fact, program)
      if (text === null) continue
      asked.add(`${facts.format.slice(0, 3)} ${fact.field}`)
      const name = `same_${fact.field.replaceAll('-', '_')}`
      assert.ok(engineFor(text)(bytes).has(name), `${facts.format} does not match:\n${text}`)
    }
  }
  const pe = 'imphash rich-hash pdb section import export signer serial company product description original-name'
  const expected = [
    ...[...pe.split(' '), 'compiled', 'dotnet-module', 'mvid'].map((field) => `PE3 ${field}`),
    ...['section', 'import', 'export', 'build-id'].map((field) => `ELF ${field}`),
    ...['section', 'import', 'export', 'build-id'].map((field) => `Mac ${field}`),
  ]
  assert.deepEqual([...asked].sort(), expected.sort())
})
