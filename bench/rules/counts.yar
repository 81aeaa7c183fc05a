// So many of one string.
rule BenchCounts {
  strings:
    $a = "<string>"
    $b = "#include <"
  condition:
    #a > 3 or #b >= 5
}
