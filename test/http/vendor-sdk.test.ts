/**
 * The table of docs/api.md about the vendor's SDK: every method's requests, in the shapes in which the SDK sends them,
 * find what the table says. The SDK itself cannot be installed everywhere; where it is, its methods are compared.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { lacking, RuleServer } from '../rule-sources/rule-server.ts'
import { type Answer, type Json, sha1, TestServer } from './harness.ts'

/** Method → what the table says of it. */
const table = new Map(
  [...sectionOf("The vendor's SDK").matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, name = '', says = '']) => [
    name,
    says,
  ]),
)

function sectionOf(title: string): string {
  const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const from = text.indexOf(`\n## ${title}\n`)
  assert.ok(from >= 0, title)
  return text.slice(from, text.indexOf('\n## ', from + 1))
}

let rules: RuleServer | null = null
let server: TestServer
before(async () => {
  if (!lacking) rules = await RuleServer.start()
  server = await TestServer.start({
    ruleSourceHosts: ['localhost'],
    ruleSourceNetworks: ['127.0.0.0/8', '::1'],
    ...(rules && { ruleSourceCa: rules.ca }),
  })
})
after(async () => {
  await server.stop()
  await rules?.stop()
})

const headers = { 'user-agent': 'ReversingLabs SDK v2.12.0; A1000', accept: '*/*', 'accept-encoding': 'gzip, deflate' }
const get = (path: string) => server.get(path, { headers, isDocumented: false })
const form = (path: string, fields: Json) =>
  server.post(path, { headers, isDocumented: false, form: { ...fields, analysis: 'cloud' } })
const bare = (path: string, fields?: Json) =>
  server.post(path, { headers, isDocumented: false, ...(fields && { form: fields }) })
const json = (path: string, body: Json) => server.post(path, { headers, isDocumented: false, json: body })

const bytes = 'what the SDK asks about'
const hash = sha1(bytes)
const archive = storedZip([{ name: Buffer.from('inner.txt'), bytes: Buffer.from('inside of the archive') }])
const name = 'sdk_rules'
const text = 'rule sdk { condition: true }'
const reportFields = [
  'id',
  'sha1',
  'ticore',
  'tags',
  'summary',
  'networkthreatintelligence',
  'domainthreatintelligence',
]

function upload(content: string | Buffer): Promise<Answer> {
  const multipart = new FormData()
  multipart.append('analysis', 'cloud')
  multipart.append('file', new Blob([content as string]), 'sdk.bin')
  return server.post('/api/uploads/', { headers, isDocumented: false, multipart })
}

async function report(path: string, content?: string): Promise<Answer> {
  if (content !== undefined) await upload(content)
  await server.appliance.intake.idle()
  const hash_values = [sha1(content ?? bytes)]
  const status = await bare('/api/samples/status/?status=processed', { hash_values })
  assert.equal(status.json.results.length, 1)
  return bare(path, { hash_values, fields: reportFields, skip_reanalysis: 'false' })
}

let deletion = ''
let repository = 0
const repositoryBody = () => ({
  url: rules?.url('rules.zip') ?? '',
  name: 'sdk',
  source_branch: '',
  api_token: '',
  import_update_preferences: 0,
})
const search = (page: number) =>
  json('/api/samples/v3/search/', { query: `sha1:${hash}`, ticloud: false, page, records_per_page: 20 })
const fromIp = (kind: string) => get(`/api/network-threat-intel/ip/127.0.0.1/${kind}?page_size=500`)
const dynamic = (what: string) => get(`/api/rl_dynamic_analysis/export/summary/${hash}/pdf/${what}/`)

/** In an order in which each finds what it asks for. Null: there is no request. */
const methods: Readonly<Record<string, () => Promise<Answer> | null>> = {
  configuration_dump: () => null,
  test_connection: () => bare('/api/samples/status/?status=processed', { hash_values: ['0'.repeat(40)] }),
  upload_sample_from_path: () => upload(bytes),
  upload_sample_from_file: () => upload(archive),
  upload_sample_from_url: () => form('/api/uploads/', { url: 'https://example.com/x', crawler: 'local' }),
  check_submitted_url_status: () => get('/api/uploads/v2/url-samples/1'),
  file_analysis_status: () => bare('/api/samples/status/', { hash_values: [hash] }),
  get_submitted_url_report: () => get('/api/uploads/v2/url-samples/1'),
  upload_sample_from_url_and_get_report: () =>
    form('/api/uploads/', { url: 'https://example.com/x', crawler: 'local' }),
  get_summary_report_v2: () => report('/api/samples/v2/list/'),
  upload_sample_and_get_summary_report_v2: () => report('/api/samples/v2/list/', 'one more'),
  get_detailed_report_v2: () => report('/api/samples/v2/list/details/'),
  upload_sample_and_get_detailed_report_v2: () => report('/api/samples/v2/list/details/', 'and another'),
  get_classification_v3: () => get(`/api/samples/v3/${hash}/classification/?localonly=0&av_scanners=0`),
  reanalyze_samples_v2: () => bare('/api/samples/v2/analyze_bulk/', { hash_value: [hash], analysis: 'cloud,core' }),
  list_extracted_files_v2: () => get(`/api/samples/v2/${sha1(archive)}/extracted-files/?page_size=10`),
  list_extracted_files_v2_aggregated: () =>
    get(`/api/samples/v2/${sha1(archive)}/extracted-files/?page=1&page_size=100`),
  download_extracted_files: () => get(`/api/samples/${sha1(archive)}/unpacked/`),
  download_sample: () => get(`/api/samples/${hash}/download/`),
  create_pdf_report: () => get(`/api/pdf/${hash}/create`),
  check_pdf_report_creation: () => get(`/api/pdf/${hash}/status`),
  download_pdf_report: () => get(`/api/pdf/${hash}/download`),
  get_titanium_core_report_v2: () =>
    get(`/api/v2/samples/${hash}/ticore/?fields=sha1, info, story`.replaceAll(' ', '%20')),
  create_dynamic_analysis_report: () => dynamic('create'),
  check_dynamic_analysis_report_status: () => dynamic('status'),
  download_dynamic_analysis_report: () => dynamic('download'),
  set_classification: () => form(`/api/samples/${hash}/setclassification/local/`, { classification: 'malicious' }),
  delete_classification: () =>
    server.delete(`/api/samples/${hash}/setclassification/local/`, { headers, isDocumented: false }),
  post_user_tags: () => json(`/api/tag/${hash}/`, { tags: ['one', 'two'] }),
  get_user_tags: () => get(`/api/tag/${hash}/`),
  delete_user_tags: () => server.delete(`/api/tag/${hash}/`, { headers, isDocumented: false, json: { tags: ['one'] } }),
  create_or_update_yara_ruleset: () => form('/api/yara/ruleset/', { name, content: text }),
  get_yara_rulesets_on_the_appliance_v2: () => get('/api/yara/v2/rulesets/?type=my&status=all&page=1&page_size=10'),
  get_yara_ruleset_contents: () => get(`/api/yara/ruleset/content/?name=${name}`),
  get_yara_ruleset_matches_v2: () => get(`/api/yara/v2/ruleset/matches/?name=${name}&page=1&page_size=10`),
  enable_or_disable_yara_ruleset: () => form('/api/yara/ruleset/disable/', { name }),
  get_yara_ruleset_synchronization_time: () => get('/api/yara/ticloud/time/'),
  update_yara_ruleset_synchronization_time: () => bare('/api/yara/ticloud/time/', { time: '2026-11-01 10:00' }),
  start_or_stop_yara_local_retro_scan: () => bare('/api/uploads/local-retro-hunt/', { operation: 'START' }),
  get_yara_local_retro_scan_status: () => get('/api/uploads/local-retro-hunt/'),
  start_or_stop_yara_cloud_retro_scan: () =>
    bare(`/api/yara/ruleset/${name}/cloud-retro-hunt/`, { operation: 'START' }),
  get_yara_cloud_retro_scan_status: () => get(`/api/yara/ruleset/${name}/cloud-retro-hunt/`),
  publish_all_yara_rulesets: () => bare('/api/yara/publish/all/'),
  publish_single_yara_ruleset: () => bare(`/api/yara/publish/ruleset/${name}/`),
  delete_yara_ruleset: () =>
    server.delete('/api/yara/ruleset/', { headers, isDocumented: false, json: { name, analysis: 'cloud' } }),
  advanced_search_v3: () => search(1),
  advanced_search_v3_aggregated: () => search(1),
  list_containers_for_hashes: () => bare('/api/samples/containers/', { hash_values: [sha1('inside of the archive')] }),
  network_url_report: () => get('/api/network-threat-intel/url/?url=https%3A%2F%2Fexample.com%2F'),
  network_domain_report: () => get('/api/network-threat-intel/domain/example.com/'),
  network_ip_addr_report: () => get('/api/network-threat-intel/ip/127.0.0.1/report/'),
  network_ip_to_domain: () => fromIp('resolutions/'),
  network_ip_to_domain_aggregated: () => fromIp('resolutions/'),
  network_urls_from_ip: () => fromIp('urls/'),
  network_urls_from_ip_aggregated: () => fromIp('urls/'),
  network_files_from_ip: () => fromIp('downloaded_files/'),
  network_files_from_ip_aggregated: () => fromIp('downloaded_files/'),
  create_yara_repository: async () => {
    rules?.serve('rules.zip', storedZip([{ name: Buffer.from('a.yar'), bytes: Buffer.from(text) }]))
    const answer = await json('/api/yara/repositories/', repositoryBody())
    repository = answer.json.id
    return answer
  },
  get_yara_repositories: () => get('/api/yara/repositories/?active_filter=user&page_size=10'),
  get_yara_repositories_aggregated: () => get('/api/yara/repositories/?active_filter=all&page_size=100'),
  update_yara_repository: () =>
    server.call('PUT', `/api/yara/repositories//${repository}/`, {
      headers,
      isDocumented: false,
      json: repositoryBody(),
    }),
  delete_yara_repository: () =>
    server.delete(`/api/yara/repositories//${repository}/?shouldRemoveRulesets=False`, {
      headers,
      isDocumented: false,
    }),
  set_yara_update_interval: () => bare('/api/yara/update/set-interval/3600/'),
  reset_yara_update_interval: () => bare('/api/yara/update/reset-interval/'),
  run_yara_update: () => bare('/api/yara/update/run/'),
  delete_samples: async () => {
    const answer = await bare('/api/samples/v2/delete_bulk/', { hash_values: [hash] })
    deletion = answer.json.id
    return answer
  },
  check_sample_removal_status_v2: () => get(`/api/samples/v2/delete_bulk/status/?id=${deletion}`),
}

const needsRuleServer = new Set(['create_yara_repository', 'update_yara_repository', 'delete_yara_repository'])

test('each method of the SDK finds what the table says', { timeout: 600_000 }, async () => {
  assert.deepEqual([...table.keys()].sort(), Object.keys(methods).sort())
  for (const [method, request] of Object.entries(methods)) {
    if (needsRuleServer.has(method) && rules === null) continue
    const says = table.get(method) ?? ''
    const answer = await request()
    if (answer === null) continue
    // Without a cloud and a cluster, as this server is.
    const refused = /^(?!works;|works for).*(?:refused|answered) with (\d{3})/.exec(says)?.[1]
    const what = `${method}: ${says}; it was ${answer.status} ${answer.text.slice(0, 300)}`
    if (refused === undefined) assert.ok(answer.status >= 200 && answer.status < 300, what)
    else assert.equal(String(answer.status), refused, what)
    // Every answer that is no file is read as JSON.
    if (!method.startsWith('download_')) assert.ok(typeof answer.json === 'object', what)
  }
})

const names = spawnSync('python3', [
  '-c',
  'from ReversingLabs.SDK.a1000 import A1000\nprint("\\n".join(n for n in dir(A1000) if not n.startswith("_")))',
])

// No package of npm or Debian has the SDK: a test that is skipped where it cannot be had would be skipped everywhere.
if (names.status === 0) {
  test('the table has all methods of the SDK', () => {
    const listed = String(names.stdout).split('\n').filter(Boolean)
    assert.deepEqual(
      listed.filter((each) => !table.has(each)),
      [],
    )
  })
}
