import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'

/** Libraries of hundreds of modules each, none of which looks for files of its own. */
const libraries = ['typebox', 'kysely']

/** Of these the main module, for sources and tests: other libraries may want another version of one. */
const mainModules = [
  ...['fastify', '@fastify/ajv-compiler', '@fastify/cookie', '@fastify/multipart', '@fastify/rate-limit'],
  ...[
    '@fastify/static',
    '@fastify/swagger',
    '@fastify/swagger-ui',
    '@modelcontextprotocol/server',
    'prom-client',
    'pino',
    'pg',
  ],
  ...['@opentelemetry/api', '@opentelemetry/core', '@opentelemetry/resources', '@opentelemetry/sdk-trace'],
  ...['lru-cache', 'p-limit', 'uuid', '@lezer/common', '@lezer/lr', '@aws-sdk/client-s3'],
]

/** What `test-imports.ts` reads: by which names they may be imported, by everybody or by sources and tests alone. */
export interface BundledNames {
  readonly everywhere: readonly string[]
  readonly own: readonly string[]
}

/**
 * Makes a few files of these libraries, for `test-imports.ts`: one for each name by which one may be imported, and `list.json`
 * with these names. Gives their folder, below the checkout's `node_modules`, where Node finds what they import in turn.
 */
export async function bundledLibraries(root: string): Promise<string> {
  const locked = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest('hex')
  const folder = join(root, 'node_modules/.cache/test-libraries', locked)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const everywhere = libraries.flatMap((library) => {
    const { exports } = JSON.parse(readFileSync(join(root, 'node_modules', library, 'package.json'), 'utf8'))
    return Object.keys(exports).map((path) => `${library}${path.slice(1)}`)
  })
  const names: BundledNames = { everywhere, own: mainModules }
  const fresh = mkdtempSync(`${folder}-`)
  const input = Object.fromEntries([
    ...everywhere.map((name) => [fileOf(name), name]),
    ...mainModules.map((name) => [fileOf(name), join(root, `main-of:${name}.mjs`)]),
  ])
  const build = await rolldown({ cwd: root, platform: 'node', input, external: ['pg-native'], plugins: [mains(root)] })
  await build.write({
    dir: fresh,
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'parts/[name]-[hash].mjs',
  })
  await build.close()
  writeFileSync(join(fresh, 'list.json'), JSON.stringify(names))
  try {
    renameSync(fresh, folder)
  } catch (error) {
    // Another run was faster.
    if (!existsSync(folder)) throw error
    rmSync(fresh, { recursive: true })
  }
  return folder
}

/** The name of the file, without its ending. */
function fileOf(name: string): string {
  return name.replaceAll('/', '-')
}

/** Modules that export what Node finds in a library's main module, of which it knows the names. */
function mains(root: string): Plugin {
  const prefix = join(root, 'main-of:')
  return {
    name: 'mains',
    resolveId: (id) => (id.startsWith(prefix) ? id : null),
    async load(id) {
      if (!id.startsWith(prefix)) return null
      const name = id.slice(prefix.length, -'.mjs'.length)
      const all = Object.keys(await import(name)).filter((each) => each !== 'module.exports' && each !== '__esModule')
      return `export { ${all.join(', ')} } from '${name}'`
    },
  }
}
