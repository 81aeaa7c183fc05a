/** A database and a prefix of their own for a test, as settings of a server, and as arguments of the command line. */
import { newDatabase, noServer } from '../../src/store/postgres/server.fixture.ts'
import { newPrefix, noGateway } from '../../src/store/s3/rgw.fixture.ts'

export interface ClusterSettings {
  readonly database: string
  readonly store: string
  readonly storeEndpoint: string
  readonly storePathStyle: 'on'
  readonly storeCredentials: string
}

/** False, or why there is no cluster to be had here. */
export const noCluster: string | false = noServer || noGateway

export async function newCluster(): Promise<ClusterSettings> {
  const { store, endpoint, credentials } = await newPrefix()
  return {
    database: await newDatabase(),
    store,
    storeEndpoint: endpoint,
    storePathStyle: 'on',
    storeCredentials: credentials,
  }
}

/** As variables of the environment. */
export function variablesOf(cluster: ClusterSettings): Readonly<Record<string, string>> {
  return {
    BACKTRAIL_DATABASE: cluster.database,
    BACKTRAIL_STORE: cluster.store,
    BACKTRAIL_STORE_ENDPOINT: cluster.storeEndpoint,
    BACKTRAIL_STORE_PATH_STYLE: cluster.storePathStyle,
    ...(cluster.storeCredentials !== '' && { BACKTRAIL_STORE_CREDENTIALS: cluster.storeCredentials }),
  }
}

export function flagsOf({
  database,
  store,
  storeEndpoint,
  storePathStyle,
  storeCredentials,
}: ClusterSettings): readonly string[] {
  return [
    ...['--database', database],
    ...['--store', store],
    ...['--store-endpoint', storeEndpoint],
    ...['--store-path-style', storePathStyle],
    ...(storeCredentials === '' ? [] : ['--store-credentials', storeCredentials]),
  ]
}
