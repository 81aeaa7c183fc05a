// Licences, however they are spelled.
rule BenchNocase {
  strings:
    $a = "permission is hereby granted" nocase
  condition:
    $a
}
