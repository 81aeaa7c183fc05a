/**
 * 200 rounds of kills in a cluster of PostgreSQL, Ceph, two servers and two nodes, with BACKTRAIL_LONG=1 only: some 15 minutes.
 * BACKTRAIL_SEED repeats the order of kills, BACKTRAIL_KILL_ROUNDS says how many, BACKTRAIL_KILL_SECONDS ends them earlier, and
 * BACKTRAIL_KILL_VICTIMS names what is killed ("node,active server").
 */
import { test } from 'node:test'
import { objectGateway } from '../../src/store/s3/rgw.fixture.ts'
import { chosenSeed } from '../planner/random.ts'
import { newCluster, noCluster } from './cluster.ts'
import { playKillRounds, victims } from './kill-rounds.ts'
import { commitDurably } from './rows.ts'

const ROUNDS = Number(process.env.BACKTRAIL_KILL_ROUNDS ?? 200)
/** Below `npm test` a file has less time; it leaves some for what is compared at the end. */
const given = process.env.BACKTRAIL_KILL_SECONDS ?? Number(process.env.BACKTRAIL_TEST_FILE_SECONDS ?? 3_900) - 300
const VICTIMS = process.env.BACKTRAIL_KILL_VICTIMS ?? victims.join()
const LIMIT_MS = Number(given) * 1_000

if (process.env.BACKTRAIL_LONG === '1') {
  test('whatever of a cluster is killed, nothing acknowledged is lost, nothing is doubled, and every hunt finds all', {
    skip: noCluster,
    timeout: LIMIT_MS + 600_000,
  }, async (t) => {
    const cluster = await newCluster()
    await commitDurably(cluster.database)
    const gateway = await objectGateway()
    await playKillRounds(t, {
      cluster,
      restartStore: () => gateway.restart(),
      token: 'token-of-the-first-administrator-0123456789',
      victims: victims.filter((victim) => VICTIMS.split(',').includes(victim)),
      rounds: ROUNDS,
      seed: chosenSeed(),
      limitMs: LIMIT_MS,
    })
  })
}
