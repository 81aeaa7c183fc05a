rule for_of {
  strings:
    $a = "alpha string"
    $b = "bravo string"
    $short = "abc"
  condition:
    for any of ($a, $b) : ( $ at 0 ) and
    for all of ($a, $b) : ( # > 1 and @ < 4096 ) and
    for 2 of them : ( $ )
}
