// Where strings are, how often, and in every round of a loop: what the index keeps decides it where it can.

rule short_near_the_start {
  strings:
    $short = "MZ"
    $nocase = "pe" nocase
  condition:
    $short in (0..2) or $nocase in (4..5) or @short[1] == 7 or @short < 2
}

rule long_near_the_start {
  strings:
    $a = "alpha string"
  condition:
    $a in (1..2)
}

rule beyond_what_is_kept {
  strings:
    $short = "MZ"
    $a = "alpha string"
  condition:
    $short in (100..2000) and $a in (0..1024) and @a[2] >= 5000
}

rule sum_of_counts {
  strings:
    $a = "alpha string"
    $b = "bravo string"
  condition:
    #a + #b > 4
}

rule compared_counts {
  strings:
    $a = "alpha string"
    $b = "bravo string"
    $c = "charlie string"
  condition:
    #a > #b and 2 * #c >= #a + 1
}

rule equal_counts {
  strings:
    $a = "alpha string"
    $b = "bravo string"
  condition:
    #a == #b or #a - #b > 0
}

rule every_round {
  strings:
    $a = "alpha string"
    $b = "bravo string"
  condition:
    for all i in (1..#a) : ( @a[i] < 100 and $b )
}
