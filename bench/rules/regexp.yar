// Addresses on the web.
rule BenchRegexp {
  strings:
    $a = /https:\/\/[a-z]{3,20}\.python\.org\//
  condition:
    $a
}
