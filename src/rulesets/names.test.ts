import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rulesetNameOf, rulesetNamesOf } from './names.ts'
import { isRulesetName } from './ruleset-name.ts'

for (const [file, name] of [
  ['rules/Win32.Ransomware.X.yara', 'Win32_Ransomware_X'],
  ['a.yar', 'a__'],
  ['правила и ещё.yr', 'правила_и_ещё'],
  ['C:\\rules\\my rules.rule', 'my_rules'],
  [`${'x'.repeat(60)}.yar`, 'x'.repeat(48)],
] as const) {
  test(`the file ${file} makes the ruleset ${name}`, () => assert.equal(rulesetNameOf(file), name))
}

const long = 'folder-with-a-long-name'.repeat(3)
for (const [what, files, names] of [
  ['differ by their files', ['/r/a/mal.yar', '/r/b/other.yar'], ['mal', 'other']],
  ['differ by their folders', ['/r/a/mal.yar', '/r/b/mal.yar', '/r/b/x.yar'], ['a_mal', 'b_mal', 'x__']],
  ['differ by folders above', ['/r/x/a/mal.yar', '/r/y/a/mal.yar'], ['x_a_mal', 'y_a_mal']],
  ['lie in a folder and above it', ['/mal.yar', '/a/mal.yar'], [/^mal_[0-9a-f]{8}$/, 'a_mal']],
  ['differ by their endings', ['/r/mal.yar', '/r/mal.yara', '/q/mal.yar'], ['mal_yar', 'mal_yara', 'q_mal']],
  ['differ by signs', ['/r/a b.yar', '/r/a.b.yar'], [/^[\w-]{3,48}$/, /^[\w-]{3,48}$/]],
  [
    'differ by more than fits',
    [`/r/1${long}/mal.yar`, `/r/2${long}/mal.yar`],
    [/^mal_[0-9a-f]{8}$/, /^mal_[0-9a-f]{8}$/],
  ],
  [
    'take a name that folders make',
    ['/r/a/m.yar', '/r/b/m.yar', '/r/a_m.yar'],
    [/^[\w-]{3,48}$/, 'b_m', /^[\w-]{3,48}$/],
  ],
] as const) {
  test(`files that ${what} get names that differ, in whatever order they come`, () => {
    const given = rulesetNamesOf(files)
    for (const [i, name] of given.entries()) {
      const expected = names[i] as string | RegExp
      if (typeof expected === 'string') assert.equal(name, expected)
      else assert.match(name, expected)
      assert.ok(isRulesetName(name), name)
    }
    assert.equal(new Set(given).size, files.length)
    assert.deepEqual(rulesetNamesOf(files.toReversed()), given.toReversed())
  })
}
