// A prologue with any registers pushed, then a stack frame.
rule BenchHexWildcards {
  strings:
    $a = { 55 48 89 E5 41 5? 41 5? 53 48 83 EC ?? }
  condition:
    $a
}
