// One rule asks another.
private rule BenchIsElf {
  condition:
    uint32(0) == 0x464c457f
}

rule BenchReferences {
  strings:
    $a = "GLIBC_2.34"
  condition:
    BenchIsElf and $a
}
