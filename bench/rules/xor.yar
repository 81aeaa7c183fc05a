// A header under any single byte.
rule BenchXor {
  strings:
    $a = "This program cannot be run in DOS mode" xor
  condition:
    $a
}
