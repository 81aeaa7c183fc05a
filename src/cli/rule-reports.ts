/** The result of a check of rule files, in the formats that build servers read. */
import { isAbsolute, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CheckedFile, Finding } from './rule-check.ts'

/** `path:line:column: error: message [code]`, as compilers write it. */
export function asText(files: readonly CheckedFile[]): string {
  return distinct(files)
    .map(
      ({ path, line, column, severity, message, code }) =>
        `${path}:${line}:${column}: ${severity}: ${message} [${code}]\n`,
    )
    .join('')
}

/** One JSON object a line, for each file. */
export function asJsonLines(files: readonly CheckedFile[]): string {
  return files
    .map(({ path, valid, engine, findings }) => {
      const diagnostics = findings.map(({ endLine, endColumn, ...finding }) => ({
        ...finding,
        end_line: endLine,
        end_column: endColumn,
      }))
      return `${JSON.stringify({ path, readable: valid !== null, valid: valid === true, engine, diagnostics })}\n`
    })
    .join('')
}

/** SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), with paths from the working directory. */
export function asSarif(files: readonly CheckedFile[], version: string): string {
  const findings = distinct(files)
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  const results = findings.map((finding) => ({
    ruleId: finding.code,
    ruleIndex: codes.indexOf(finding.code),
    level: finding.severity,
    message: { text: finding.message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(finding.path) },
          region: {
            startLine: finding.line,
            startColumn: finding.column,
            endLine: finding.endLine,
            endColumn: finding.endColumn,
          },
        },
      },
    ],
  }))
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Backtrail', version, rules: codes.map((id) => ({ id })) } },
        columnKind: 'unicodeCodePoints',
        artifacts: files.map(({ path }) => ({ location: { uri: uriOf(path) } })),
        results,
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

/** JUnit's XML: a test case for each file, which errors fail and warnings do not. */
export function asJunit(files: readonly CheckedFile[]): string {
  const isFailed = ({ valid }: CheckedFile) => valid === false
  const isBroken = ({ valid }: CheckedFile) => valid === null
  const counts = `tests="${files.length}" failures="${files.filter(isFailed).length}" errors="${files.filter(isBroken).length}"`
  const cases = files.map((file) => {
    const lines = (severity: Finding['severity']) =>
      file.findings
        .filter((finding) => finding.severity === severity)
        .map(({ path, line, column, message, code }) => `${path}:${line}:${column}: ${message} [${code}]`)
    const [errors, warnings] = [lines('error'), lines('warning')]
    const element = isBroken(file) ? 'error' : 'failure'
    const problem =
      file.valid === true
        ? ''
        : `<${element} message="${escapeXml(file.findings.find(({ severity }) => severity === 'error')?.message ?? '')}">${escapeXml(errors.join('\n'))}</${element}>`
    const output = warnings.length === 0 ? '' : `<system-out>${escapeXml(warnings.join('\n'))}</system-out>`
    return `    <testcase classname="yara" name="${escapeXml(file.path)}" file="${escapeXml(file.path)}">${problem}${output}</testcase>\n`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="backtrail check" ${counts}>\n  <testsuite name="backtrail check" ${counts}>\n${cases.join('')}  </testsuite>\n</testsuites>\n`
}

/** What files share by including it is reported once. */
function distinct(files: readonly CheckedFile[]): Finding[] {
  const byPlace = new Map<string, Finding>()
  for (const { findings } of files) for (const finding of findings) byPlace.set(JSON.stringify(finding), finding)
  return [...byPlace.values()]
}

/** From the working directory where the file is below it; else absolute. */
function uriOf(path: string): string {
  const from = relative(process.cwd(), path)
  if (from === '..' || from.startsWith(`..${sep}`) || isAbsolute(from)) return pathToFileURL(path).href
  return from.split(sep).map(encodeURIComponent).join('/')
}

const replacements: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
}

/** XML 1.0 has no place for control characters and lone surrogates. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"\n]/g, (character) => replacements[character] ?? character)
}
