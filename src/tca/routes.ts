/** Every address of the protocol, as a router takes it: `:name` is a parameter. */
export const tcaRoutes = {
  /** GET all, POST a new one. */
  rulesets: '/api/yara/admin/v1/ruleset',
  /** GET, DELETE. */
  ruleset: '/api/yara/admin/v1/ruleset/:name',
  rulesetText: '/api/yara/admin/v1/ruleset/:name/text',
  /** POST with the ruleset's name in the body, these three. */
  enableRetro: '/api/yara/admin/v1/ruleset/enable-retro-hunt',
  startRetro: '/api/yara/admin/v1/ruleset/start-retro-hunt',
  cancelRetro: '/api/yara/admin/v1/ruleset/cancel-retro-hunt',
  retroStatus: '/api/yara/admin/v1/ruleset/:name/status-retro-hunt',
  /** `form` is `timestamp` (Unix seconds) or `utc` (`YYYY-MM-DDThh:mm:ss`). */
  liveFeed: '/api/feed/yara/v1/query/:form/:start',
  retroFeed: '/api/feed/yara/retro/v1/query/:form/:start',
  usage: '/api/customer_usage/v1/usage/yara',
  /** POST the bytes of the sample with this SHA-1. */
  upload: '/api/spex/upload/:sha1',
  /** POST its name, as XML. */
  uploadMeta: '/api/spex/upload/:sha1/meta',
} as const

export type TcaRoute = keyof typeof tcaRoutes

type Parameters<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Parameters<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** The path of a route with its parameters filled in and escaped; without a query. */
export function tcaPath<R extends TcaRoute>(
  route: R,
  parameters: Readonly<Record<Parameters<(typeof tcaRoutes)[R]>, string>>,
): string {
  const values: Readonly<Record<string, string>> = parameters
  return tcaRoutes[route].replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}
