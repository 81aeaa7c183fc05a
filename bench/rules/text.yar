// Programs that name their loader.
rule BenchText {
  strings:
    $a = "/lib64/ld-linux-x86-64.so.2"
  condition:
    $a
}
