// Version resources of Windows programs.
rule BenchWide {
  strings:
    $a = "OriginalFilename" wide
  condition:
    $a
}
