rule logic {
  strings:
    $a = "alpha string"
    $b = "bravo string"
    $c = "charlie string"
    $short = "abc"
  condition:
    ($a and $b) or ($a and $c) or ($a and $b and $short)
}

rule negated {
  strings:
    $a = "alpha string"
    $b = "bravo string"
  condition:
    $a and not $b and not (filesize > 1MB or uint16(0) == 0x5A4D)
}

rule unindexable_choice {
  strings:
    $a = "alpha string"
    $short = "abc"
  condition:
    $a or $short
}
