/**
 * Holds the code to the floors of docs/architecture.md: an import goes to a floor below or to a neighbour, through the
 * neighbour's face (`index.ts`), and never in a circle. Tests and their fixtures may look inside a folder.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** An import of one file of `src/` by another; both as paths from the root. `erased` ones are types only. */
interface Import {
  readonly from: string
  readonly to: string
  readonly erased: boolean
}

/** Folder (or `src/main.ts`) → height of its floor, 0 at the bottom, as the picture in docs/architecture.md has it. */
function readFloors(): Map<string, number> {
  const picture = /^## Floors$.*?```\n(.*?)```/ms.exec(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))?.[1]
  assert.ok(picture, 'docs/architecture.md has no picture of the floors')
  const floors = new Map<string, number>()
  let height = 0
  for (const line of picture.trimEnd().split('\n').reverse()) {
    for (const [, place = ''] of line.matchAll(/(src\/[\w.-]+)/g)) floors.set(place, height)
    // A floor's first line carries its name; the lines before it (read backwards) belong to it.
    if (/^\S/.test(line)) height += 1
  }
  return floors
}

function readImports(files: readonly string[]): Import[] {
  const statement =
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\bfrom\s+)?'(\.[^']+)'|\bimport\('(\.[^']+)'\)|new URL\('(\.[^']+\.ts)'/gm
  return files.flatMap((from) =>
    [...readFileSync(join(root, from), 'utf8').matchAll(statement)].map(([text, type, plain, lazy, beside]) => ({
      from,
      to: normalize(join(dirname(from), plain ?? lazy ?? beside ?? '')),
      erased: type !== undefined || /\{\s*type [^,}]*(,\s*type [^,}]*)*,?\s*\}/.test(text),
    })),
  )
}

/** `src/yara` for `src/yara/parse.ts`; `src/main.ts` for itself. */
const placeOf = (file: string): string => file.split('/').slice(0, 2).join('/')

/** The first circle found among `edges`, as the names along it, or null. */
function findCircle(edges: Iterable<readonly [string, string]>): string[] | null {
  const targets = Map.groupBy(edges, ([from]) => from)
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string): string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (done.has(name)) return null
    path.push(name)
    for (const [, to] of targets.get(name) ?? []) {
      const circle = visit(to)
      if (circle) return circle
    }
    path.pop()
    done.add(name)
    return null
  }
  for (const name of targets.keys()) {
    const circle = visit(name)
    if (circle) return circle
  }
  return null
}

const floors = readFloors()
const files = globSync('src/**/*.{ts,js}', { cwd: root }).sort()
const imports = readImports(files.filter((file) => !/\.(test|fixture)\.ts$/.test(file)))
const crossing = imports.filter(({ from, to }) => placeOf(from) !== placeOf(to))

test('there are files, imports and floors to look at', () => {
  assert.ok(files.length >= 20, `only ${files.length} files under src/`)
  assert.ok(crossing.length >= 10, `only ${crossing.length} imports between folders`)
  assert.ok(new Set(floors.values()).size >= 5, 'docs/architecture.md shows fewer than five floors')
})

test('every folder of src/ has its place on a floor', () => {
  assert.deepEqual(
    [...new Set(files.map(placeOf))].filter((place) => !floors.has(place)),
    [],
  )
})

test('every relative import of src/ leads to a file in src/', () => {
  const known = new Set(files)
  assert.deepEqual(
    imports.filter(({ to }) => to.endsWith('.ts') && !known.has(to) && to.startsWith('src/')),
    [],
  )
})

test('no import goes up to a higher floor', () => {
  const upward = crossing.filter(({ from, to }) => (floors.get(placeOf(to)) ?? 0) > (floors.get(placeOf(from)) ?? 0))
  assert.deepEqual(upward.map(formatImport), [])
})

test("folders import from each other's index.ts only", () => {
  const bypassing = crossing.filter(({ to }) => to.startsWith('src/') && !/^src\/[\w-]+\/index\.ts$/.test(to))
  assert.deepEqual(bypassing.map(formatImport), [])
})

test('the web application imports the shapes of the wire, and code of the server that runs in a browser too', () => {
  const inBrowser = [
    'src/query/index.ts',
    'src/rulesets/ruleset-name.ts',
    'src/yara/parse.ts',
    'src/yara/parser.generated.js',
  ]
  const web = readImports(globSync('web/src/**/*.{ts,tsx}', { cwd: root })).filter(({ to }) => to.startsWith('src/'))
  assert.ok(web.length >= 5, `only ${web.length} imports of src/ in web/src/`)
  const others = web.filter(({ to }) => !to.startsWith('src/http/contract/') && !inBrowser.includes(to))
  assert.deepEqual(others.map(formatImport), [])
})

test('the shapes of the wire know each other, and of the server only what faces of the domain name', () => {
  const contract = imports.filter(({ from }) => from.startsWith('src/http/contract/'))
  assert.ok(contract.length >= 5, `only ${contract.length} imports in src/http/contract/`)
  const others = contract.filter(
    ({ to }) => !/^src\/(?:http\/contract\/[\w-]+|samples\/index|rulesets\/index)\.ts$/.test(to),
  )
  assert.deepEqual(others.map(formatImport), [])
})

test('queries are written in src/store/ alone', () => {
  const writing = files.filter(
    (file) =>
      !file.startsWith('src/store/') &&
      !/\.(test|fixture)\.ts$/.test(file) &&
      /from '(?:kysely|node:sqlite)'/.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(writing, [])
})

test('the face of the store hands out nothing that puts a statement together, or knows which database answers', () => {
  const exports = readFileSync(join(root, 'src/store/index.ts'), 'utf8').matchAll(/^export[^']*'[^']*'/gm)
  const parts = /schema\.ts|\b(?:Database|Transaction|Schema|\w+Table|openDatabase|storeOf|unitOf|listOf|listsOf)\b/
  assert.deepEqual(
    [...exports].map(([statement]) => statement).filter((statement) => parts.test(statement)),
    [],
  )
})

test('only the store knows where contents lie', () => {
  const knowing = files.filter(
    (file) => !file.startsWith('src/store/') && /['"`/]blobs['"`/]/.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(
    knowing.filter((file) => !/\.(test|fixture)\.ts$/.test(file)),
    [],
  )
})

test('segments are read and written by workers and a thread, never by the thread that answers requests', () => {
  // `damage.ts` is for the thread, and for the command that moves a data folder.
  const elsewhere = /^src\/(?:index|scanning\/worker|moving)\/|^src\/segments\/(?:segment-thread-main|damage)\.ts$/
  const work = /^import \{[^}]*\b(?:SegmentReader|writeSegment|mergeSegments|damageOf)\b[^}]*\} from '\.[^']*'/m
  const reading = files.filter((file) => work.test(readFileSync(join(root, file), 'utf8')))
  assert.ok(reading.includes('src/segments/segment-thread-main.ts'), 'nobody reads segments')
  assert.deepEqual(
    reading.filter((file) => !elsewhere.test(file) && !/\.(test|fixture)\.ts$/.test(file)),
    [],
  )
})

test('folders do not import each other in a circle, types included', () => {
  const circle = findCircle(crossing.map(({ from, to }) => [placeOf(from), placeOf(to)] as const))
  assert.equal(circle?.join(' → ') ?? null, null)
})

test('files do not import each other in a circle, types included', () => {
  // A circle of types alone is erased before anything runs, and still neither of its files can be read or moved alone.
  const circle = findCircle(imports.map(({ from, to }) => [from, to] as const))
  assert.equal(circle?.join(' → ') ?? null, null)
})

test('a circle is found where there is one', () => {
  assert.deepEqual(
    findCircle([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'b'],
    ]),
    ['b', 'c', 'b'],
  )
})

function formatImport({ from, to }: Import): string {
  return `${from} imports ${to}`
}
