// A name of Windows in either encoding.
rule BenchAsciiWide {
  strings:
    $a = "kernel32.dll" ascii wide nocase
  condition:
    $a
}
