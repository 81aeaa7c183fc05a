// One of two archives for programs.
rule BenchHexAlternatives {
  strings:
    $a = { ( 50 4B 03 04 14 00 | 1F 8B 08 00 00 00 00 00 ) }
  condition:
    $a at 0
}
