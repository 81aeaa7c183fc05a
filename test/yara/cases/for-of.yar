rule a {
  strings: $a = "aaaa" $b = "bbbb"
  condition:
    for any of them : ($ at 0) and for all of ($a, $b) : (# > 1 and @ < 10 and @[1] > 2 and ! > 3 and ![1] == 4) and
    for 1 of ($a*) : ($ in (0..10)) and for 50% of them : ($)
}
