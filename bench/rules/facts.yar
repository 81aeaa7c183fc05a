// Size and header alone.
rule BenchFacts {
  condition:
    uint32(0) == 0x464c457f and filesize < 20KB
}
