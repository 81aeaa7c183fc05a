/**
 * What can be said of a text's comparisons without a sample: those that never hold, whatever is scanned. Public rules are
 * written for scanners that spell the values of the variables in several ways, and a rule that waits for `jpg` where the
 * value is `.jpg` is silent for ever.
 */
import { variableType, variableTypes } from '../identification/index.ts'
import {
  type Comparison,
  type Diagnostic,
  Diagnostics,
  type Expression,
  type SourceFile,
  type TextOperation,
} from '../yara/index.ts'

type Operator = Extract<Comparison['operator'], '==' | '!='> | TextOperation['operator']

interface Question {
  readonly variable: string
  readonly operator: Operator
  readonly value: string
}

/** Warnings with their places; none for what our parser does not understand. */
export function variableWarnings(
  text: string,
  { rules, imports }: Pick<SourceFile, 'rules' | 'imports'>,
): Diagnostic[] {
  const warnings = new Diagnostics(text, 'warning')
  for (const { module, span } of imports) if (module === 'cuckoo') warnings.add('no-reports', NO_REPORTS, span)
  for (const { condition } of rules) {
    visit(condition, new Set(), (question, span) => {
      const problem = problems[question.variable]?.(question)
      if (problem) warnings.add('never-holds', sentence(question, problem), span)
    })
  }
  return warnings.finish()
}

const NO_REPORTS =
  'there are no reports of how samples behave here, so nothing that this module is asked for is ever found; look for the ' +
  'same names, addresses and keys as strings of the file'

function sentence({ variable, operator, value }: Question, problem: string): string {
  const holds = operator === '!=' ? 'always holds' : 'never holds'
  return `\`${variable} ${operator} ${JSON.stringify(value)}\` ${holds}: ${problem}`
}

/** By variable: why no value of it is as asked, and what to write; null where one may be. */
const problems: Readonly<Record<string, (question: Question) => string | null>> = {
  extension: extensionProblem,
  filetype: fileTypeProblem,
  filename: ({ value, operator }) =>
    /[/\\]/.test(value) && operator !== 'matches'
      ? 'it is the name alone; folders are in `filepath`'
      : value === '' && isEqual(operator)
        ? 'no sample is without a name'
        : null,
  filepath: ({ value, operator }) =>
    /.[/\\]$/.test(value) && (isEqual(operator) || /endswith$/.test(operator))
      ? `it is the folder, without a separator at its end: write ${JSON.stringify(value.replace(/[/\\]+$/, ''))}`
      : null,
}

function isEqual(operator: Operator): boolean {
  return operator === '==' || operator === '!=' || operator === 'iequals'
}

function ignoresCase(operator: Operator): boolean {
  return operator.startsWith('i')
}

/** It is empty, or a dot and lower-case characters without another dot. */
function extensionProblem({ operator, value }: Question): string | null {
  if (operator === 'matches' || value === '') return null
  const isLower = value === value.toLowerCase()
  const starts = isEqual(operator) || /startswith$/.test(operator)
  const asItIs = `.${value.toLowerCase().split('.').at(-1)}`
  if (starts && !value.startsWith('.')) return `an extension begins with a dot: write "${asItIs}"`
  if (value.lastIndexOf('.') > 0) return `an extension has one dot, at its beginning: write "${asItIs}"`
  if (!isLower && !ignoresCase(operator)) return `extensions are in lower case: write "${value.toLowerCase()}"`
  return null
}

function fileTypeProblem({ operator, value }: Question): string | null {
  if (operator === 'matches') return null
  const holds = (type: string) => holdsFor(type, operator, value)
  if ([...variableTypes].some(holds)) return null
  const meant = meantType(value)
  return meant === null
    ? 'there is no such type; docs/api.md lists them, such as EXE, ELF, PDF, OLE and ZIP'
    : `write "${meant}"`
}

function holdsFor(type: string, operator: Exclude<Operator, 'matches'>, value: string): boolean {
  const [is, asked] = ignoresCase(operator) ? [type.toLowerCase(), value.toLowerCase()] : [type, value]
  if (isEqual(operator)) return is === asked
  if (/startswith$/.test(operator)) return is.startsWith(asked)
  return /endswith$/.test(operator) ? is.endsWith(asked) : is.includes(asked)
}

/** Words of other tools for types that have another word here, in lower case. */
const otherWords: Readonly<Record<string, string>> = {
  pe: 'EXE',
  pe32: 'EXE',
  peexe: 'EXE',
  pedll: 'EXE',
  mz: 'EXE',
  dll: 'EXE',
  sys: 'EXE',
  'mach-o': 'MACHO',
  doc: 'OLE',
  xls: 'OLE',
  ppt: 'OLE',
  msg: 'OLE',
  msi: 'OLE',
  docx: 'Office',
  xlsx: 'Office',
  pptx: 'Office',
  ooxml: 'Office',
  apk: 'JAR',
  jpg: 'JPEG',
  tif: 'TIFF',
  gz: 'GZIP',
  bz2: 'BZip2',
  '7z': '7Zip',
  htm: 'HTML',
  javascript: 'JS',
  powershell: 'PS1',
  python: 'PY',
  perl: 'PL',
  ruby: 'RB',
  script: 'UNIX SCRIPT',
  shell: 'UNIX SCRIPT',
  sh: 'UNIX SCRIPT',
  batch: 'BAT',
  txt: 'TEXT',
  ascii: 'TEXT',
  pcap: 'WINPCAP',
  email: 'EML',
}

function meantType(value: string): string | null {
  const lower = value.toLowerCase()
  const other = otherWords[lower] ?? [...variableTypes].find((type) => type.toLowerCase() === lower)
  if (other !== undefined) return other
  // Our own names of types, as in `file_type` of the API.
  const own = variableType(value)
  return own === 'UNKNOWN' ? null : own
}

/** Every comparison of a variable that no loop hides with a text. */
function visit(
  node: unknown,
  hidden: ReadonlySet<string>,
  found: (question: Question, span: Expression['span']) => void,
): void {
  if (typeof node !== 'object' || node === null || ArrayBuffer.isView(node)) return
  if (Array.isArray(node)) {
    for (const item of node) visit(item, hidden, found)
    return
  }
  const expression = node as Expression
  if (expression.kind === 'comparison' || expression.kind === 'textOperation') {
    const question = questionOf(expression, hidden)
    if (question !== null) found(question, expression.span)
  }
  const names =
    expression.kind === 'forIn'
      ? expression.variables
      : expression.kind === 'with'
        ? expression.declarations.map(({ name }) => name)
        : []
  for (const [key, child] of Object.entries(node)) {
    const hides = names.length > 0 && (key === 'body' || expression.kind === 'with')
    visit(child, hides ? new Set([...hidden, ...names]) : hidden, found)
  }
}

function questionOf(
  { operator, left, right }: Comparison | TextOperation,
  hidden: ReadonlySet<string>,
): Question | null {
  if (operator === '<' || operator === '<=' || operator === '>' || operator === '>=') return null
  const isSymmetric = isEqual(operator)
  const [variable, value] = isSymmetric && left.kind === 'textLiteral' ? [right, left] : [left, right]
  if (variable.kind !== 'identifier' || hidden.has(variable.name) || value.kind !== 'textLiteral') return null
  return { variable: variable.name, operator, value: Buffer.from(value.bytes).toString() }
}
