// Under some keys only; key 0 is the text itself.
rule BenchXorRange {
  strings:
    $a = "GetProcAddress" xor(0-15)
  condition:
    $a
}
