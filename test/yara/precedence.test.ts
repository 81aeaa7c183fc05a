/**
 * The shape of the tree, held against the engine by its value: a random condition of numbers and operators, without
 * parentheses in most places, is computed from the tree and by the engine. A precedence or an order of evaluation that
 * were read otherwise would show in the result.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { printExpression } from '../../src/yara/dump.fixture.ts'
import { type Expression, type OfExpression, parse } from '../../src/yara/index.ts'
import { EngineWitness } from './engine.ts'
import { pick, type Random, randomFrom, seedOfThisRun } from './random.ts'

const engine = new EngineWitness()
after(() => engine.close())

const FILESIZE = 7

test('random conditions have the value that the engine gives them', async () => {
  const seed = seedOfThisRun()
  const random = randomFrom(seed)
  let compared = 0
  let held = 0
  for (let round = 0; round < 1_000 && compared < 200; round++) {
    const condition = boolean(random, 3)
    const text = `rule a { condition: ${condition} }`
    const { rules, diagnostics } = parse(text)
    assert.deepEqual(diagnostics, [], `seed ${seed}: ${condition}`)
    const tree = rules[0]?.condition as Expression
    const value = evaluate(tree)
    if (value === null) continue
    const answer = await engine.ask(text, ['x'.repeat(FILESIZE)])
    if (answer === null || !answer.accepted) continue
    compared++
    if (truth(value)) held++
    assert.equal(truth(value), answer.matched[0], `seed ${seed}: ${condition}\n${printExpression(tree)}`)
  }
  assert.equal(compared, 200, `seed ${seed}: only ${compared} conditions could be compared`)
  assert.ok(held > compared / 20 && held < compared, `seed ${seed}: ${held} of ${compared} held`)
})

/** boolean := number (comparison number)? | 'not' boolean | boolean ('and' | 'or') boolean | of | '(' boolean ')' */
function boolean(random: Random, depth: number): string {
  const kind = random(depth > 0 ? 10 : 3)
  if (kind < 3)
    return `${number(random, depth)} ${pick(random, ['==', '!=', '<', '<=', '>', '>='])} ${number(random, depth)}`
  if (kind < 5) return `not ${boolean(random, depth - 1)}`
  if (kind < 6) return `(${boolean(random, depth - 1)})`
  if (kind < 7) return `defined ${boolean(random, 0)}`
  if (kind < 8) {
    const quantifier = pick(random, [
      'any',
      'all',
      'none',
      '1',
      '2',
      '50%',
      '1 + 1',
      '3 * 5 % 2',
      `${number(random, 1)}`,
    ])
    const items = Array.from({ length: 1 + random(3) }, () => boolean(random, depth - 1))
    return `${quantifier} of (${items.join(', ')})`
  }
  return `${boolean(random, depth - 1)} ${pick(random, ['and', 'or'])} ${boolean(random, depth - 1)}`
}

/** number := integer | 'filesize' | ('-' | '~') number | number operator number | '(' number ')' */
function number(random: Random, depth: number): string {
  const kind = random(depth > 0 ? 9 : 3)
  if (kind < 2) return `${random(9)}`
  if (kind < 3) return 'filesize'
  if (kind < 4) return `${pick(random, ['-', '~'])}${number(random, 0)}`
  if (kind < 5) return `(${number(random, depth - 1)})`
  const operator = pick(random, ['+', '-', '*', '\\', '%', '&', '|', '^', '<<', '>>'])
  return `${number(random, depth - 1)} ${operator} ${number(random, depth - 1)}`
}

type Value = bigint | boolean

function truth(value: Value): boolean {
  return typeof value === 'bigint' ? value !== 0n : value
}

/** What the tree says, or null where the engine has no defined value either. */
function evaluate(tree: Expression): Value | null {
  switch (tree.kind) {
    case 'integer':
      return tree.value
    case 'filesize':
      return BigInt(FILESIZE)
    case 'not':
      return mapped(tree.operand, (value) => !truth(value))
    case 'defined':
      return mapped(tree.operand, () => true)
    case 'negate':
      return mapped(tree.operand, (value) => -(value as bigint))
    case 'bitwiseNot':
      return mapped(tree.operand, (value) => ~(value as bigint))
    case 'and':
    case 'or': {
      const values = tree.operands.map(evaluate)
      if (values.includes(null)) return null
      return tree.kind === 'and' ? (values as Value[]).every(truth) : (values as Value[]).some(truth)
    }
    case 'comparison':
    case 'arithmetic': {
      const left = evaluate(tree.left)
      const right = evaluate(tree.right)
      if (typeof left !== 'bigint' || typeof right !== 'bigint') return null
      return tree.kind === 'comparison' ? compare(tree.operator, left, right) : calculate(tree.operator, left, right)
    }
    case 'of':
      return count(tree)
    default:
      throw new Error(`the conditions made here hold no ${tree.kind}`)
  }
}

function mapped(tree: Expression, map: (value: Value) => Value): Value | null {
  const value = evaluate(tree)
  return value === null ? null : map(value)
}

function compare(operator: string, left: bigint, right: bigint): boolean {
  if (operator === '==') return left === right
  if (operator === '!=') return left !== right
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function calculate(operator: string, left: bigint, right: bigint): bigint | null {
  if ((operator === '\\' || operator === '%') && right === 0n) return null
  if ((operator === '<<' || operator === '>>') && (right < 0n || right > 40n)) return null
  const value = operations[operator]?.(left, right) as bigint
  return value > 1n << 60n || value < -(1n << 60n) ? null : value
}

const operations: Readonly<Record<string, (left: bigint, right: bigint) => bigint>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '\\': (left, right) => left / right,
  '%': (left, right) => left % right,
  '&': (left, right) => left & right,
  '|': (left, right) => left | right,
  '^': (left, right) => left ^ right,
  '<<': (left, right) => left << right,
  '>>': (left, right) => left >> right,
}

function count({ quantifier, set }: OfExpression): boolean | null {
  assert.equal(set.kind, 'expressions')
  const values = set.kind === 'expressions' ? set.items.map(evaluate) : []
  if (values.includes(null)) return null
  const held = (values as Value[]).filter(truth).length
  if (quantifier.kind === 'any') return held > 0
  if (quantifier.kind === 'all') return held === values.length
  if (quantifier.kind === 'none') return held === 0
  const wanted = 'value' in quantifier ? evaluate(quantifier.value) : null
  // Quantities that make no sense are the engine's own affair.
  if (typeof wanted !== 'bigint' || wanted <= 0n) return null
  return quantifier.kind === 'percent'
    ? held >= Math.ceil((values.length * Number(wanted)) / 100)
    : BigInt(held) >= wanted
}
