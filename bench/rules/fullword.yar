// A word by itself.
rule BenchFullword {
  strings:
    $a = "systemctl" fullword
  condition:
    $a
}
