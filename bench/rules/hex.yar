// The usual DOS stub up to its message.
rule BenchHex {
  strings:
    $a = { 0E 1F BA 0E 00 B4 09 CD 21 B8 01 4C CD 21 }
  condition:
    $a
}
