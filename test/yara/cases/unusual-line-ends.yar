rule a {
  strings:
    $a = "aaaa" // to the end
  condition:    $a
}
