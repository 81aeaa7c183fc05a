// Several names of one thing.
rule BenchAnyOf {
  strings:
    $a = "VirtualAlloc"
    $b = "VirtualProtect"
    $c = "WriteProcessMemory"
  condition:
    any of them
}
