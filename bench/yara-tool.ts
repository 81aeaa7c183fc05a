/** Debian's `yara`, as the plain scan that everything is compared with. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface PlainScan {
  /** Of the scan alone, with the rules compiled before. */
  readonly seconds: number
  /** `rule<TAB>path`. */
  readonly pairs: readonly string[]
}

/** Null where the tool is not installed. */
export function plainScan(ruleFiles: readonly string[], folders: readonly string[]): PlainScan | null {
  if (spawnSync('yara', ['--version']).error) return null
  const scratch = mkdtempSync(join(tmpdir(), 'backtrail-yara-'))
  try {
    const index = join(scratch, 'all.yar')
    const compiled = join(scratch, 'all.yarc')
    writeFileSync(index, ruleFiles.map((file) => `include ${JSON.stringify(file)}\n`).join(''))
    demandDone(spawnSync('yarac', ['-w', index, compiled], { encoding: 'utf8' }))
    const pairs: string[] = []
    const begin = performance.now()
    for (const folder of folders) {
      const scan = spawnSync('yara', ['-w', '-C', '-r', '-p', '2', compiled, folder], {
        encoding: 'utf8',
        maxBuffer: 2 ** 30,
      })
      demandDone(scan)
      for (const line of scan.stdout.split('\n')) if (line !== '') pairs.push(line.replace(' ', '\t'))
    }
    return { seconds: (performance.now() - begin) / 1000, pairs }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function demandDone({ status, stderr }: { status: number | null; stderr: string }): void {
  if (status !== 0) throw new Error(`yara ended with ${status}: ${stderr.slice(0, 2_000)}`)
}
