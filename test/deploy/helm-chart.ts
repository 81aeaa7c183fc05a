/**
 * Renders the chart of deploy/helm with the few words of Go's templates that it uses. Debian has no helm; what this does not
 * know fails the test, so that the chart stays within it.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'

// biome-ignore lint/suspicious/noExplicitAny: values and resources are looked into as YAML has them
type Yaml = any

/** The resources of the chart, with `values` over its own; one file each, those that render to nothing left out. */
export function renderChart(chart: string, values: Yaml = {}): Yaml[] {
  const own = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'))
  const scope = { Values: merged(own, values), Release: { Name: 'hunting' } }
  return globSync(join(chart, 'templates/*.yaml'))
    .sort()
    .map((file) => render(readFileSync(file, 'utf8'), scope))
    .filter((text) => text.trim() !== '')
    .map((text) => parse(text))
}

/** Values with others over them, as helm puts them together. */
export const merged = (under: Yaml, over: Yaml): Yaml =>
  typeof under === 'object' && typeof over === 'object' && !Array.isArray(over)
    ? Object.fromEntries(
        [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [
          key,
          key in over ? merged(under[key], over[key]) : under[key],
        ]),
      )
    : over

type Piece = { readonly text: string } | { readonly action: string }

function render(template: string, scope: Yaml): string {
  const pieces: Piece[] = []
  let at = 0
  for (const match of template.matchAll(/(\s*)\{\{(-?)\s*(.*?)\s*(-?)\}\}/gs)) {
    const [whole, space = '', trims, action = '', trimsAfter] = match
    if (trimsAfter) throw new Error(`{{ ${action} -}} is not known here`)
    pieces.push({ text: template.slice(at, match.index) + (trims ? '' : space) }, { action })
    at = match.index + whole.length
  }
  pieces.push({ text: template.slice(at) })
  const { text, rest } = block(pieces, scope)
  if (rest.length > 0) throw new Error('an {{ end }} too many')
  return text
}

/** Up to the `end` that belongs to it. */
function block(pieces: readonly Piece[], scope: Yaml): { text: string; rest: readonly Piece[] } {
  let text = ''
  let rest = pieces
  while (rest.length > 0) {
    const [piece, ...after] = rest as [Piece, ...Piece[]]
    rest = after
    if ('text' in piece) {
      text += piece.text
      continue
    }
    if (piece.action === 'end') return { text, rest }
    const [, not, condition] = /^if (not )?(\S+)$/.exec(piece.action) ?? []
    const [, name = '', value = '', over] = /^range (\$\w+), (\$\w+) := (\S+)$/.exec(piece.action) ?? []
    if (condition !== undefined) {
      const inside = block(rest, scope)
      if (Boolean(look(condition, scope)) !== (not !== undefined)) text += inside.text
      rest = inside.rest
    } else if (over !== undefined) {
      const entries = Object.entries<Yaml>(look(over, scope))
      for (const [key, each] of entries) text += block(rest, { ...scope, [name]: key, [value]: each }).text
      rest = block(rest, { ...scope, [name]: '', [value]: '' }).rest
    } else text += evaluated(piece.action, scope)
  }
  return { text, rest }
}

function evaluated(action: string, scope: Yaml): string {
  const [first = '', ...filters] = action.split('|').map((part) => part.trim())
  const [, inYaml] = /^toYaml (\S+)$/.exec(first) ?? []
  let text = inYaml === undefined ? String(look(first, scope)) : stringify(look(inYaml, scope)).trimEnd()
  for (const filter of filters) {
    const [, indent] = /^nindent (\d+)$/.exec(filter) ?? []
    if (indent !== undefined) text = `\n${text.replace(/^/gm, ' '.repeat(Number(indent)))}`
    else if (filter === 'quote') text = JSON.stringify(text)
    else throw new Error(`the filter ${filter} is not known here`)
  }
  return text
}

function look(path: string, scope: Yaml): Yaml {
  if (path.startsWith('$')) return scope[path]
  if (!/^(?:\.\w+)+$/.test(path)) throw new Error(`${path} is not known here`)
  let value = scope
  for (const step of path.slice(1).split('.')) {
    if (!(step in value)) throw new Error(`values have no ${path}`)
    value = value[step]
  }
  return value
}
