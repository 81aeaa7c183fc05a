rule a {
  strings: $a = "aaaa"
  condition: for all i in (1..2) : (for any j in (1..#a) : (@a[j] > i and for any of them : (# == i)))
}
