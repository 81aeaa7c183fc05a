/** What `src/planner/variables.ts` says of names, held against the engine: every operator, every text, every name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayMatch, planRuleset } from '../../src/planner/index.ts'
import { noVariables } from '../../src/scanning/engine.ts'
import { parse } from '../../src/yara/index.ts'
import { engineFor } from './engine.ts'
import { exactSignature } from './exact-signature.ts'

// The engine knows more cases than those of ASCII: the sign for kelvin is a K, and SS may be one letter.
const names = ['', 'a', 'A.PHP', 'a.php', 'lib.so.6', 'straße', 'STRASSE', '\u212aelvin', 'kelvin', 'k', 'Ä', 'ä', 'İ']
const texts = [...names, '.php', '.PHP', 'SS', 'ß', 'K', 'e', 'i']
const operators = ['==', '!=', 'contains', 'icontains', 'startswith', 'istartswith', 'endswith', 'iendswith', 'iequals']
const patterns = ['/\\.php$/', '/\\.(PHP|so)/i', '/STRASSE|lib/', '/^kelvin/i', '/./', '/(a|K)e?l/i', '/^.$/', '/ss/i']

test('a name passes where the engine finds it, for a comparison and for its contrary', () => {
  const conditions = [
    ...operators.flatMap((operator) => texts.map((text) => `filename ${operator} ${JSON.stringify(text)}`)),
    ...patterns.map((pattern) => `filename matches ${pattern}`),
    'filename',
  ].flatMap((condition) => [condition, `not (${condition})`])
  const text = conditions.map((condition, n) => `rule r${n} { condition: ${condition} }`).join('\n')
  const { rules } = planRuleset(parse(text))
  const scan = engineFor(text)
  const bytes = Buffer.from('some content')
  const signature = exactSignature(bytes)
  const decided = { exactly: 0, inAll: 0 }
  for (const filename of names) {
    const variables = { ...noVariables, filename }
    const found = scan(bytes, variables)
    for (const [n, { rule, plan }] of rules.entries()) {
      const passes = mayMatch(plan, signature, [variables])
      assert.ok(passes || !found.has(rule), `${conditions[n]} on ${JSON.stringify(filename)}`)
      decided.inAll++
      if (passes === found.has(rule)) decided.exactly++
    }
  }
  assert.ok(decided.exactly > 0.75 * decided.inAll, `only ${decided.exactly} of ${decided.inAll} are decided`)
})
