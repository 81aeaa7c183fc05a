/**
 * Requests of one hostile or careless client, each of which once held up everybody: texts that are hard to plan, bodies
 * that are hard to parse, hunts that never end, answers without bounds. Big bodies are made when they are first needed.
 */
export interface AttackRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** False: without credentials. */
  readonly isKnown?: boolean
}

export interface AttackInput {
  readonly title: string
  /** Statuses that are right; a connection that is closed after a refusal of a large body counts as its refusal. */
  readonly right: readonly number[]
  /** Requests that one round sends at once. */
  round(): readonly AttackRequest[]
  /** Hunts that a round started are cancelled and deleted after it. */
  readonly startsHunts?: true
}

const json = { 'content-type': 'application/json' }
const post = (path: string, body: unknown): AttackRequest => ({
  method: 'POST',
  path,
  headers: json,
  body: JSON.stringify(body),
})
const save = (name: string, content: string) => post('/api/yara/ruleset/', { name, content })
const explain = (content: string) => post('/api/hunts/explain/', { rules: [{ name: 'text', content }] })
const hunt = (texts: readonly string[]) =>
  post('/api/hunts/', { rules: texts.map((content, n) => ({ name: `text${n}`, content })) })

const strings = (count: number, modifiers: string) =>
  `rule many { strings: ${Array.from({ length: count }, (_, n) => `$s${n} = "strings${String(n).padStart(5, '0')}" ${modifiers}`).join(' ')} condition: any of them }`
const loops = 'for all i in (0..100000000) : ( for all j in (0..100000000) : ( i + j >= 0 ) )'
const terms = Array.from({ length: 50_000 }, (_, n) => `filesize != ${n}`).join(' and ')
/** Comments, so that it compiles at once and is as long as a text may be. */
const long = (n: number) => `rule long${n} { condition: filesize == ${n} } ${`// ${'x'.repeat(97)}\n`.repeat(280_000)}`

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const input = (
  title: string,
  right: readonly number[],
  make: () => readonly AttackRequest[],
  startsHunts?: true,
): AttackInput => ({
  title,
  right,
  round: once(make),
  ...(startsHunts && { startsHunts }),
})

export const attackInputs: Readonly<Record<string, AttackInput>> = {
  'save-xor': input('save 300 strings "xor ascii wide"', [200, 400, 500], () => [
    save('attack_xor', strings(300, 'xor ascii wide')),
  ]),
  'explain-xor': input('explain 300 strings "xor ascii wide"', [200, 400], () => [
    explain(strings(300, 'xor ascii wide')),
  ]),
  'explain-many': input('explain 2,000 strings "xor ascii wide"', [200, 400, 413], () => [
    explain(strings(2_000, 'xor ascii wide')),
  ]),
  'explain-base64': input('explain 2,000 strings "base64 base64wide"', [200, 400, 413], () => [
    explain(strings(2_000, 'base64 base64wide')),
  ]),
  'explain-long-xor': input('explain one "xor" string of 16 KB', [200, 400], () => [
    explain(`rule long { strings: $a = "${'stringy '.repeat(2_048)}" xor condition: $a }`),
  ]),
  'explain-terms': input('explain 50,000 terms joined by "and"', [200, 400, 413], () => [
    explain(`rule terms { condition: ${terms} }`),
  ]),
  'hunt-terms': input(
    'hunt with 50,000 terms joined by "and"',
    [201, 400, 413, 503],
    () => [hunt([`rule terms { condition: ${terms} }`])],
    true,
  ),
  'explain-nested': input('explain 600 and 100,000 nested parentheses', [200, 400], () =>
    [600, 100_000].map((depth) => explain(`rule deep { condition: ${'('.repeat(depth)}true${')'.repeat(depth)} }`)),
  ),
  'save-comment': input('save a comment of 17 MB', [200, 400, 413], () => [
    save('attack_comment', `rule after { condition: false } /* ${'x'.repeat(17_000_000)} */`),
  ]),
  'log-in-keys': input('log in with 25 MB of JSON, 2 million keys', [400, 413, 429], () => [
    {
      method: 'POST',
      path: '/api-token-auth/',
      headers: json,
      isKnown: false,
      body: `{${Array.from({ length: 2_000_000 }, (_, n) => `"k${n}":0`).join(',')}}`,
    },
  ]),
  'log-in-nested': input('log in with 2 million levels of JSON', [400, 413, 429], () => [
    {
      method: 'POST',
      path: '/api-token-auth/',
      headers: json,
      isKnown: false,
      body: '['.repeat(2_000_000) + ']'.repeat(2_000_000),
    },
  ]),
  'log-in-password': input('log in with a password of 30 MB', [400, 413, 429], () => [
    {
      method: 'POST',
      path: '/api-token-auth/',
      headers: json,
      isKnown: false,
      body: `{"username":"admin","password":"${'p'.repeat(30_000_000)}"}`,
    },
  ]),
  'log-in-form': input('log in with a form of 2 million fields', [400, 413, 429], () => [
    {
      method: 'POST',
      path: '/api-token-auth/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      isKnown: false,
      body: 'a=b&'.repeat(2_000_000),
    },
  ]),
  'hunt-items': input('hunt with 2 million empty rules', [400, 413], () => [
    { method: 'POST', path: '/api/hunts/', headers: json, body: `{"rules":[${'{},'.repeat(1_999_999)}{}]}` },
  ]),
  'hunt-loops': input(
    'hunt with 15 texts that never end, then cancel',
    [201, 400, 429, 503],
    () => [hunt(Array.from({ length: 15 }, (_, n) => `rule loop${n} { condition: ${loops} }`))],
    true,
  ),
  'list-long-hunts': input(
    '8 hunts of 28 MB of rules, and the list of hunts six times at once',
    [200, 201, 400, 413],
    () => [
      ...Array.from({ length: 8 }, (_, n) => hunt([long(n)])),
      ...Array.from({ length: 6 }, () => ({ method: 'GET', path: '/api/hunts/' })),
    ],
    true,
  ),
  boundary: input('an upload with a boundary of 300 characters', [400], () => [
    {
      method: 'POST',
      path: '/api/submit/file/',
      headers: { 'content-type': `multipart/form-data; boundary=${'b'.repeat(300)}` },
      body: 'x',
    },
  ]),
}
