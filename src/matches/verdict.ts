import type { RuleSummary, Verdict } from '../store/index.ts'

const types =
  'Adware Backdoor Browser Dialer Downloader Dropper Exploit Hacktool Infostealer Keylogger Mail Malware Network Packed PUA Ransomware Rogue Rootkit Spyware Trojan Virus Worm'.split(
    ' ',
  )

/** How the names of rules begin: `Win32_Ransomware_…`, `ByteCode_MSIL_Ransomware_…`. */
const platformsOfNames = {
  win32: 'Win32',
  win64: 'Win64',
  linux: 'Linux',
  macos: 'MacOS',
  android: 'Android',
  ios: 'iOS',
  bytecode_msil: 'ByteCode-MSIL',
  bytecode_java: 'ByteCode-JAVA',
  document: 'Document',
  script: 'Script',
} as const

/**
 * What a rule says about the samples that it matches; null for one that does not classify. A rule classifies when it
 * carries the tag `tc_detection` and one of `malicious` and `suspicious`; its metadata `tc_detection_type`,
 * `tc_detection_name` and `tc_detection_factor` (0 to 5) say what was found and how bad it is. A threat name is
 * `Platform.Type.Name`.
 */
export function verdictOf(rule: RuleSummary): Verdict | null {
  if (!rule.tags.includes('tc_detection')) return null
  const malicious = rule.tags.includes('malicious')
  if (!malicious && !rule.tags.includes('suspicious')) return null
  const { tc_detection_type: type, tc_detection_name: name, tc_detection_factor: factor } = rule.meta
  const knownType = types.find((known) => known.toLowerCase() === String(type).toLowerCase()) ?? 'Malware'
  return {
    rule: rule.name,
    classification: malicious ? 3 : 2,
    riskScore: riskScore(factor, malicious),
    platform: platformOfName(rule.name),
    threat: `${knownType}.${typeof name === 'string' && name !== '' ? name : rule.name}`,
  }
}

// Threat level n is risk n + 5. Without a factor a rule weighs as much as a user's word does by default.
function riskScore(factor: unknown, malicious: boolean): number {
  const level = typeof factor === 'number' ? Math.min(5, Math.max(0, Math.round(factor))) : malicious ? 5 : 1
  return level === 0 && malicious ? 6 : level + 5
}

function platformOfName(rule: string): string | null {
  const name = rule.toLowerCase()
  const found = Object.entries(platformsOfNames).find(([prefix]) => name.startsWith(`${prefix}_`))
  return found ? found[1] : null
}
