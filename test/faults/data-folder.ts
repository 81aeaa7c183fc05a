/** What must be true of the data folder of a stopped server, read past the program: from the files and the database. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { backtrail } from '../cli/running.ts'

/** Rows of a query on the database, whether or not a server has it. */
export function rows(data: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(join(data, 'backtrail.db'), { readOnly: true })
  try {
    // As plain objects, which compare equal to literals.
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    database.close()
  }
}

/** Changes the stopped server's database behind its back. */
export function change(data: string, sql: string): void {
  const database = new DatabaseSync(join(data, 'backtrail.db'))
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}

/** The paths of all files under a folder of the data folder, relative to that. */
export function filesIn(data: string, folder: string): string[] {
  return readdirSync(join(data, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(data, folder).length + 1))
    .sort()
}

/** The scratch folders of processes, whether or not they live. */
export function scratchFolders(data: string): string[] {
  const all = join(data, 'scratch')
  if (!existsSync(all)) return []
  const folders = readdirSync(all, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map(({ name }) => join(all, name))
}

/** Files and folders of files that are being written, or were left. */
export function underWay(data: string): string[] {
  return scratchFolders(data).flatMap((folder) => readdirSync(folder).filter((name) => name !== 'workers'))
}

/** The progress record of a worker of the one server that has the folder. */
export function progressRecordOf(data: string, name: string): string {
  const [folder = assert.fail('no process has a scratch folder'), ...others] = scratchFolders(data)
  assert.deepEqual(others, [], 'several processes have a scratch folder')
  return join(folder, 'workers', name)
}

/**
 * Fails unless everything is at rest and agrees: no temporary file is left, every content has its row and every row its
 * content in full, every sample is processed and in a segment, every segment file has its row, all checksums hold, and
 * every signature is that of its sample.
 */
export async function demandConsistency(data: string): Promise<void> {
  assert.deepEqual(readdirSync(join(data, 'scratch')), [], 'something was left in scratch/')
  assert.deepEqual(rows(data, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }])
  assert.deepEqual(rows(data, 'PRAGMA foreign_key_check'), [])
  const samples = rows(data, 'SELECT id, hex(sha256) AS sha256, size, state, segment_id FROM samples WHERE stored = 1')
  const contents = samples.map(({ sha256 }) => String(sha256).toLowerCase()).map((hex) => `${hex.slice(0, 2)}/${hex}`)
  assert.deepEqual(filesIn(data, 'blobs'), contents.sort(), 'contents and rows are not the same')
  for (const { sha256, size, state, id } of samples) {
    const hex = String(sha256).toLowerCase()
    assert.equal(statSync(join(data, 'blobs', hex.slice(0, 2), hex)).size, size, `sample ${hex} is half-written`)
    assert.equal(state, 'processed', `sample ${id} ${hex}`)
  }
  const segments = rows(data, 'SELECT id, file, state FROM segments')
  assert.deepEqual(filesIn(data, 'index'), segments.map(({ file }) => String(file)).sort())
  assert.deepEqual([...new Set(segments.map(({ state }) => state))], segments.length > 0 ? ['live'] : [])
  const live = new Set(segments.map(({ id }) => id))
  for (const { id, segment_id } of samples) assert.ok(live.has(segment_id), `sample ${id} is in no live segment`)
  const { code, stdout, stderr } = await backtrail(['index', 'check', '--data', data])
  assert.equal(code, 0, `index check is not content: ${stdout}${stderr}`)
  assert.equal(stderr, '')
}
