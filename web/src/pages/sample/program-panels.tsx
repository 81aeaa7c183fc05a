import { Crosshair } from 'lucide-react'
import { createContext, type ReactNode, use } from 'react'
import { Link } from 'react-router'
import type { Program } from '../../api/samples.ts'
import { bytes, count, counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import styles from './program-panels.module.css'
import { huntFor, samplesWith } from './rule-for.ts'

const Shown = createContext<Program | null>(null)

/** What a program is made of; each value leads to the samples that have it too, and to a hunt for it. */
export function ProgramPanels({ program }: { readonly program: Program }) {
  return (
    <Shown value={program}>
      <Header program={program} />
      <Identity program={program} />
      <Sections program={program} />
      <Libraries program={program} />
      <Exports program={program} />
      <Resources program={program} />
    </Shown>
  )
}

function Header({ program }: { readonly program: Program }) {
  const { format, machines, compiled, reproducible, entry, subsystem, imphash, rich_hash, overlay } = program
  return (
    <Panel title="Program">
      <dl className={styles.facts}>
        <Row title="Format">
          <Fact field="format" value={format} />
        </Row>
        <Row title="Machine">
          {machines.map((machine) => (
            <Fact key={machine} field="machine" value={machine} />
          ))}
        </Row>
        {compiled && (
          <Row title="Compiled">
            <Fact field="compiled" value={compiled} shown={compiled.slice(0, 19).replace('T', ' ')} />
            <div className={styles.soft}>
              {reproducible ? 'A hash of the program stands in place of the time.' : 'as the header says, UTC'}
            </div>
          </Row>
        )}
        {subsystem && <Row title="Subsystem">{subsystem}</Row>}
        {entry !== null && (
          <Row title="Entry point">
            <span className={styles.code}>0x{entry.toString(16)}</span>
          </Row>
        )}
        <Value title="Import hash" field="imphash" value={imphash} />
        <Value title="Rich header" field="rich-hash" value={rich_hash} />
        <Value title="Symbols" field="pdb" value={program.pdb} />
        <Value title="Build id" field="build-id" value={program.build_id} />
        {overlay && (
          <Row title="Overlay">
            {bytes(overlay.size)} behind the last section, from{' '}
            <span className={styles.code}>0x{overlay.offset.toString(16)}</span>
          </Row>
        )}
        {program.dotnet && <Row title=".NET">{program.dotnet.version}</Row>}
        <Value title="Module" field="dotnet-module" value={program.dotnet?.module ?? null} />
        <Value title="Module GUID" field="mvid" value={program.dotnet?.mvid ?? null} />
      </dl>
    </Panel>
  )
}

const versionFields: Readonly<Record<string, string>> = {
  CompanyName: 'company',
  ProductName: 'product',
  FileDescription: 'description',
  OriginalFilename: 'original-name',
}

/** What it says of itself, and who signed it. */
function Identity({ program: { version, signers } }: { readonly program: Program }) {
  if (version.length === 0 && signers !== null && signers.length === 0) return null
  return (
    <Panel title="Version and signers">
      <dl className={styles.facts}>
        {version.map(({ name, value }) => {
          const field = versionFields[name]
          return (
            <Row key={name} title={name}>
              {field === undefined ? value : <Fact field={field} value={value} />}
            </Row>
          )
        })}
        {signers === null && <Row title="Signed by">not known</Row>}
        {signers?.map(({ subject, issuer, serial }) => (
          <Row key={`${serial} ${issuer}`} title="Signed by">
            <Fact field="signer" value={subject || '–'} />
            <div className={styles.soft}>
              issued by {issuer || '–'}, number <Fact field="serial" value={serial} isCode />
            </div>
          </Row>
        ))}
      </dl>
    </Panel>
  )
}

function Sections({ program: { sections } }: { readonly program: Program }) {
  if (sections?.count === 0) return null
  return (
    <Panel title="Sections" aside={sections && asideOf(sections, 'section')}>
      {sections === null ? (
        <NotKnown />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <section className={styles.scroll} aria-label="List of sections" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th data-number>In the file</th>
                <th data-number>In memory</th>
                <th data-number>Entropy</th>
              </tr>
            </thead>
            <tbody>
              {sections.first.map(({ name, size, virtual_size, entropy }, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: names repeat, and the list never changes
                <tr key={n}>
                  <td>
                    {name === '' ? (
                      <span className={styles.soft}>no name</span>
                    ) : (
                      <Fact field="section" value={name} isCode />
                    )}
                  </td>
                  <td data-number title={`${count(size)} bytes`}>
                    {bytes(size)}
                  </td>
                  <td data-number title={`${count(virtual_size)} bytes`}>
                    {bytes(virtual_size)}
                  </td>
                  <td data-number>{entropy === null ? '–' : entropy.toFixed(2)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  )
}

function Libraries({ program: { imports, imported_functions } }: { readonly program: Program }) {
  if (imports?.count === 0) return null
  const functions = imported_functions === null ? '' : `, ${counted(imported_functions, 'function')}`
  return (
    <Panel title="Imports" aside={imports && `${asideOf(imports, 'library', 'libraries')}${functions}`}>
      {imports === null ? (
        <NotKnown />
      ) : (
        <ul className={styles.several}>
          {imports.first.map(({ name, functions }, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: names repeat, and the list never changes
            <li key={n}>
              <Fact field="import" value={name} isCode />
              {functions !== null && <small className={styles.soft}> {count(functions)}</small>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function Exports({ program: { exports } }: { readonly program: Program }) {
  if (exports === null || exports.count === 0) return null
  return (
    <Panel title="Exports" aside={asideOf(exports, 'function')}>
      <ul className={styles.several}>
        {exports.first.map((name, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names repeat, and the list never changes
          <li key={n}>
            <Fact field="export" value={name} isCode />
          </li>
        ))}
        {exports.first.length === 0 && <li>by number only</li>}
      </ul>
    </Panel>
  )
}

function Resources({ program: { resources } }: { readonly program: Program }) {
  if (resources === null || resources.count === 0) return null
  return (
    <Panel title="Resources" aside={counted(resources.count, 'resource')}>
      <dl className={styles.facts}>
        {resources.first.map(({ type, count: some, bytes: size }) => (
          <Row key={type} title={type}>
            {count(some)}, {bytes(size)}
          </Row>
        ))}
      </dl>
    </Panel>
  )
}

function NotKnown() {
  return <p className={styles.soft}>Not known: the header does not say it, or is damaged.</p>
}

function asideOf(
  list: { readonly count: number; readonly first: readonly unknown[] },
  one: string,
  many?: string,
): string {
  const all = counted(list.count, one, many)
  return list.first.length < list.count ? `${all}, the first ${count(list.first.length)} shown` : all
}

function Row({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Value({
  title,
  field,
  value,
}: {
  readonly title: string
  readonly field: string
  readonly value: string | null
}) {
  if (value === null) return null
  return (
    <Row title={title}>
      <Fact field={field} value={value} isCode />
    </Row>
  )
}

function Fact({
  field,
  value,
  shown = value,
  isCode = false,
}: {
  readonly field: string
  readonly value: string
  readonly shown?: string
  readonly isCode?: boolean
}) {
  const program = use(Shown)
  const hunt = program && huntFor({ field, value }, program)
  return (
    <span className={styles.fact}>
      <Link
        to={samplesWith({ field, value })}
        className={isCode ? (styles.code ?? '') : ''}
        title={`All samples with ${field} ${shown}`}
      >
        {shown}
      </Link>
      {hunt && (
        <Link to={hunt} className={styles.hunt ?? ''} aria-label={`Hunt for ${field} ${shown}`} title="Hunt for this">
          <Crosshair size={14} aria-hidden />
        </Link>
      )}
    </span>
  )
}
