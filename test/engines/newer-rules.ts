/** Texts with one rule `newer`, which YARA-X 1.7.1 does not compile and 1.20 does; it holds where the marker is. */
const marker = 'strings: $a = "a marker for the newer engine"'

export const newer: readonly { readonly text: string; readonly engine: string }[] = [
  `import "dex" rule newer { ${marker} condition: $a and not dex.is_dex }`,
  `import "zip" rule newer { ${marker} condition: $a and not zip.is_zip }`,
  `import "pe" rule newer { ${marker} condition: $a and (not defined pe.pdb_path or pe.pdb_path.len() > 0) }`,
].map((text) => ({ text, engine: 'YARA-X 1.20.0' }))
