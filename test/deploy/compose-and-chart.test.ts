/** The compose file and the chart, read as their programs would: Debian has neither Docker's compose nor helm. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Schema from 'typebox/schema'
import { parse } from 'yaml'
import { options, variableOf } from '../../src/settings/index.ts'
import { root } from '../cli/running.ts'
import { merged, renderChart } from './helm-chart.ts'

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const image = readFileSync(join(root, 'scripts/build-image.ts'), 'utf8')
const chart = join(root, 'deploy/helm/backtrail')
const schema = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'))
const values = () => parse(readFileSync(join(chart, 'values.yaml'), 'utf8'))

test('the compose file runs the image without rights, on a root that nobody can write', () => {
  const { services } = parse(readFileSync(join(root, 'deploy/compose/compose.yaml'), 'utf8'))
  const { backtrail } = services
  assert.equal(backtrail.read_only, true)
  assert.deepEqual(backtrail.cap_drop, ['ALL'])
  assert.ok(Number.parseInt(backtrail.stop_grace_period, 10) * 1000 >= options.shutdownGrace.default + 2_000)
  assert.match(backtrail.ports[0], new RegExp(`:${options.port.default}$`))
  known(Object.keys(backtrail.environment))
  assert.deepEqual(Object.keys(backtrail.healthcheck).sort(), ['interval', 'start_period', 'test', 'timeout'])
  assert.equal(backtrail.healthcheck.test[0], 'CMD')
  assert.ok(page.includes(backtrail.healthcheck.test.slice(1).join(' ')), 'it is the check that the page shows')
  // Where the image listens and what it lets be written.
  for (const path of [...backtrail.volumes.map((volume: string) => volume.split(':')[1]), ...backtrail.tmpfs])
    assert.ok(image.includes(`'${path}'`) || image.includes(`'${path.slice(1)}'`), path)
})

test('the compose file of a cluster has servers and nodes with the same settings, in files that the secrets are in', () => {
  const text = readFileSync(join(root, 'deploy/compose/cluster.yaml'), 'utf8')
  const { services, secrets, volumes } = parse(text, { merge: true })
  const own = Object.entries<Yaml>(services).filter(([name]) => name !== 'database')
  assert.deepEqual(
    own.map(([, { command }]) => command[0]),
    ['serve', 'serve', 'node', 'node'],
  )
  const ofServer = ['BACKTRAIL_TLS_KEY', 'BACKTRAIL_TLS_CERT', 'BACKTRAIL_HUNT_WORK', 'BACKTRAIL_INTAKE_WORK']
  for (const [name, service] of own) {
    assert.equal(service.read_only, true)
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.ok(Number.parseInt(service.stop_grace_period, 10) * 1000 >= options.shutdownGrace.default + 2_000)
    const { BACKTRAIL_CACHE, ...environment } = service.environment
    known(Object.keys(environment))
    const isNode = service.command[0] === 'node'
    assert.equal(BACKTRAIL_CACHE, isNode ? '/data' : undefined)
    for (const each of ofServer) assert.equal(each in environment, !isNode)
    // Each has a volume of its own, and every file that a setting names comes from a secret.
    assert.deepEqual(service.volumes, [`${name}:/data`])
    assert.ok(name in volumes)
    for (const value of Object.values<string>(environment))
      if (value.startsWith('/run/secrets/'))
        assert.ok(service.secrets.includes(value.slice('/run/secrets/'.length)), value)
    for (const each of service.secrets) assert.ok(each in secrets, each)
    assert.match(environment.BACKTRAIL_DATABASE, new RegExp(`@database/${services.database.environment.POSTGRES_DB}$`))
  }
})

test('the chart renders to one server without rights, with its volume, and to an ingress on request', () => {
  const plain = renderChart(chart)
  assert.deepEqual(plain.map(({ kind }) => kind).sort(), ['Service', 'StatefulSet'])
  const { spec } = plain.find(({ kind }) => kind === 'StatefulSet')
  const [container] = spec.template.spec.containers
  assert.equal(spec.replicas, 1)
  assert.equal(spec.template.spec.securityContext.runAsUser, 10001)
  assert.equal(container.securityContext.readOnlyRootFilesystem, true)
  assert.deepEqual(container.securityContext.capabilities, { drop: ['ALL'] })
  assert.equal(container.ports[0].containerPort, options.port.default)
  assert.equal(container.readinessProbe.httpGet.path, '/healthz')
  const { startupProbe, readinessProbe, livenessProbe } = container
  const [servicePort] = plain.find(({ kind }) => kind === 'Service').spec.ports
  for (const port of [
    startupProbe.httpGet.port,
    readinessProbe.httpGet.port,
    livenessProbe.tcpSocket.port,
    servicePort.targetPort,
  ])
    assert.equal(port, container.ports[0].name)
  assert.equal(container.resources.limits.memory, '16Gi')
  assert.ok(spec.template.spec.terminationGracePeriodSeconds * 1000 >= options.shutdownGrace.default + 2_000)
  const mounts = container.volumeMounts.map(({ name }: { name: string }) => name).sort()
  const volumes = [
    ...spec.template.spec.volumes,
    ...spec.volumeClaimTemplates.map(({ metadata }: { metadata: object }) => metadata),
  ]
  assert.deepEqual(mounts, volumes.map(({ name }) => name).sort())
  known(container.env.map(({ name }: { name: string }) => name))
  const whole = renderChart(chart, {
    backups: { claim: 'on-other-disks' },
    settings: { BACKTRAIL_TRUST_PROXY: '10.0.0.0/8', BACKTRAIL_WORKERS: 4 },
    settingsSecret: 'secrets',
    filesSecret: 'keys',
    storage: { className: 'fast' },
    ingress: { enabled: true, host: 'hunt.example', tlsSecret: 'tls' },
  })
  const ingress = whole.find(({ kind }) => kind === 'Ingress')
  const service = whole.find(({ kind }) => kind === 'Service')
  assert.equal(ingress.spec.rules[0].http.paths[0].backend.service.name, service.metadata.name)
  assert.deepEqual(ingress.spec.tls, [{ hosts: ['hunt.example'], secretName: 'tls' }])
  const { template, volumeClaimTemplates } = whole.find(({ kind }) => kind === 'StatefulSet').spec
  // Kubernetes takes no numbers there.
  assert.ok(template.spec.containers[0].env.every(({ value }: { value: unknown }) => typeof value === 'string'))
  assert.deepEqual(template.spec.containers[0].envFrom, [{ secretRef: { name: 'secrets' } }])
  const files = template.spec.volumes.find(({ name }: { name: string }) => name === 'files')
  assert.deepEqual(files.secret, { secretName: 'keys' })
  assert.ok(
    template.spec.containers[0].volumeMounts.some(
      ({ name, readOnly }: { name: string; readOnly?: boolean }) => name === 'files' && readOnly === true,
    ),
  )
  assert.equal(volumeClaimTemplates[0].spec.storageClassName, 'fast')
  const mountOf = (wanted: string) =>
    template.spec.containers[0].volumeMounts.find(({ name }: { name: string }) => name === wanted)?.mountPath
  const backups = template.spec.volumes.find(({ name }: { name: string }) => name === 'backups')
  assert.deepEqual([backups.persistentVolumeClaim.claimName, mountOf('backups')], ['on-other-disks', '/backups'])
})

test('for a restore the chart starts no server, and afterwards one on the folder that was restored', () => {
  const containerOf = (values: Yaml) =>
    renderChart(chart, values).find(({ kind }) => kind === 'StatefulSet').spec.template.spec.containers[0]
  const dataOf = ({ env }: Yaml) => env.find(({ name }: { name: string }) => name === 'BACKTRAIL_DATA').value
  const idle = containerOf({ serve: false })
  assert.equal(idle.args, undefined)
  assert.equal(idle.command[0], '/bin/sh')
  assert.ok(!('startupProbe' in idle) && !('livenessProbe' in idle) && !('readinessProbe' in idle))
  const plain = containerOf({})
  assert.deepEqual([plain.command, plain.args, dataOf(plain)], [undefined, ['serve'], '/data/'])
  assert.equal(dataOf(containerOf({ storage: { folder: 'restored' } })), '/data/restored')
})

test('with its values for a cluster the chart renders servers and nodes with the same settings', () => {
  const forCluster = parse(readFileSync(join(chart, 'values-cluster.yaml'), 'utf8'))
  assert.deepEqual(problemsOf(merged(values(), forCluster)), [])
  const sets = renderChart(chart, forCluster).filter(({ kind }) => kind === 'StatefulSet')
  assert.deepEqual(sets.map(({ metadata }) => metadata.name).sort(), ['hunting', 'hunting-node'])
  const podOf = (name: string) => sets.find(({ metadata }) => metadata.name === name).spec.template.spec
  const envOf = ({ containers: [{ env }] }: Yaml) =>
    Object.fromEntries(env.map(({ name, value }: { name: string; value: string }) => [name, value]))
  const [server, node] = [podOf('hunting'), podOf('hunting-node')]
  for (const { containers } of [server, node]) {
    const names = containers[0].env.map(({ name }: Yaml) => name)
    assert.equal(new Set(names).size, names.length)
  }
  known(Object.keys(envOf(server)))
  known(Object.keys(envOf(node)).filter((name) => name !== 'BACKTRAIL_CACHE'))
  const { BACKTRAIL_DATA: _, ...ofServer } = envOf(server)
  const { BACKTRAIL_CACHE: cache, ...ofNode } = envOf(node)
  assert.deepEqual(ofNode, ofServer)
  // The names of settings are those of the command itself, and the files that they name come from the secret.
  const [container] = node.containers
  assert.deepEqual(container.args, ['node'])
  const mountOf = (wanted: string) => container.volumeMounts.find(({ name }: Yaml) => name === wanted).mountPath
  assert.equal(mountOf('cache'), cache)
  assert.ok(ofNode.BACKTRAIL_STORE_CREDENTIALS.startsWith(`${mountOf('files')}/`))
  const { spec } = sets.find(({ metadata }) => metadata.name === 'hunting-node')
  assert.equal(spec.replicas, 3)
  assert.equal(sets.find(({ metadata }) => metadata.name === 'hunting').spec.replicas, 2)
  const volumes = [...node.volumes, ...spec.volumeClaimTemplates.map(({ metadata }: Yaml) => metadata)]
  assert.deepEqual(container.volumeMounts.map(({ name }: Yaml) => name).sort(), volumes.map(({ name }) => name).sort())
  assert.equal(container.securityContext.readOnlyRootFilesystem, true)
  assert.equal(node.securityContext.runAsNonRoot, true)
  // Pods of the two are told apart: requests go to the server alone.
  const service = renderChart(chart, forCluster).find(({ kind }) => kind === 'Service')
  const labelsOf = (name: string) => sets.find(({ metadata }) => metadata.name === name).spec.template.metadata.labels
  const goesTo = (name: string) =>
    Object.entries(service.spec.selector).every(([key, value]) => labelsOf(name)[key] === value)
  assert.deepEqual([goesTo('hunting'), goesTo('hunting-node')], [true, false])
})

test('the schema of the values takes those of the chart, knows each of them, and refuses others', () => {
  assert.deepEqual(problemsOf(values()), [])
  for (const [path, value] of [
    ['image.tagg', 'latest'],
    ['replicas', 2],
    ['settings.BACKTRAIL_PORT', '9000'],
    ['settings.backtrail_workers', 4],
    ['settings.BACKTRAIL_WORKERS', null],
    ['service.port', 'http'],
    ['storage.size', '500'],
    ['servers.replicas', 0],
    // Two servers on data folders of their own would be two that know nothing of each other.
    ['servers.replicas', 2],
    ['nodes.replicas', -1],
    ['nodes.cache.size', '180GB'],
    ['storage.folder', '../etc'],
    ['ingress.enabled', 'yes'],
  ] as const)
    assert.notEqual(problemsOf(withValue(path, value)).length, 0, path)
  assert.deepEqual(problemsOf(withValue('settings.BACKTRAIL_WORKERS', 4)), [])
  const names = (part: Yaml, at: Yaml): void => {
    for (const [name, value] of Object.entries<Yaml>(part)) {
      assert.ok(name in (at.properties ?? {}) || at.additionalProperties !== false, name)
      if (at.properties?.[name]?.properties) names(value, at.properties[name])
    }
    assert.deepEqual(
      (at.required ?? []).filter((name: string) => !(name in part)),
      [],
    )
  }
  names(values(), schema)
})

test('every setting that is a fixed part of the container is refused by the schema', () => {
  const fixed = [...image.matchAll(/^ +(BACKTRAIL_[A-Z_]+):/gm)].map(([, name = '']) => name)
  assert.ok(fixed.length >= 2)
  known(fixed)
  for (const name of fixed) assert.notEqual(problemsOf(withValue(`settings.${name}`, 'else')).length, 0, name)
})

// biome-ignore lint/suspicious/noExplicitAny: values are looked into as YAML has them
type Yaml = any

function problemsOf(given: Yaml): unknown[] {
  const [sound, problems] = Schema.Errors(schema, given)
  return sound ? [] : problems
}

function withValue(path: string, value: unknown): Yaml {
  const all = values()
  const steps = path.split('.')
  const last = steps.pop() as string
  steps.reduce((part, step) => part[step], all)[last] = value
  return all
}

/** Whether the server has settings of these names. */
function known(variables: readonly string[]): void {
  const names = Object.entries(options).map(([name, option]) => variableOf(name, option))
  assert.deepEqual(
    variables.filter((variable) => !names.includes(variable)),
    [],
  )
}
