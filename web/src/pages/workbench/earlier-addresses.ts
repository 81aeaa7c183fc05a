/** Addresses from before there was one place for both, with their fields. */
export function fromEarlier(address: 'new-hunt' | 'new-ruleset', search: string): string {
  const fields = new URLSearchParams(search)
  // The name of a new ruleset, or the title of a new hunt; a hunt's own `name` is that of samples.
  const from = address === 'new-hunt' ? 'title' : 'name'
  const name = fields.get(from)
  if (name !== null) {
    fields.delete(from)
    fields.set('ruleset', name)
  }
  return fields.size === 0 ? '/workbench' : `/workbench?${fields}`
}
