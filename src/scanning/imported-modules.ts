/** The modules that a text imports, and some more where a comment or a string looks like an import. */
export function importedModules(text: string): string[] {
  const modules = new Set<string>()
  for (const { index, 0: keyword } of text.matchAll(/\bimport\b/g)) {
    const from = pastSpace(text, index + keyword.length)
    const [, , module] = /^("""|")(\w{1,64})\1/.exec(text.slice(from, from + 70)) ?? []
    if (module !== undefined) modules.add(module)
  }
  return [...modules]
}

/** Where blanks and comments end that begin at a position. */
function pastSpace(text: string, from: number): number {
  for (let at = from; ; ) {
    const start = at
    while (/\s/.test(text[at] ?? '')) at++
    const end = text.startsWith('/*', at)
      ? text.indexOf('*/', at) + 2
      : text.startsWith('//', at)
        ? text.indexOf('\n', at) + 1
        : at
    at = Math.max(end, at)
    if (at === start) return at
  }
}
