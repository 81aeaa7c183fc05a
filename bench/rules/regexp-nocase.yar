// Copyright lines.
rule BenchRegexpNocase {
  strings:
    $a = /copyright \(c\) (19|20)[0-9]{2}/i
  condition:
    $a
}
