rule of_strings {
  strings:
    $a1 = "first of many"
    $a2 = "second of many"
    $a3 = "third of many"
    $b = "another one"
    $short = "xyz"
  condition:
    2 of ($a*) and any of ($a1, $b) and all of ($a1, $a2) and none of ($b) and 60% of ($a*) and 2 of them and 1 of ($a1, $short)
}

rule too_few_can_be_looked_up {
  strings:
    $a = "first of many"
    $short = "xyz"
    $shorter = "xy"
  condition:
    2 of them
}
