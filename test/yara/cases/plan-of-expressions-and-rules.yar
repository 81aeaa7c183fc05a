private rule helper {
  strings:
    $a = "helper string"
  condition:
    $a and filesize < 2MB
}

rule other {
  strings:
    $a = "other string"
  condition:
    $a
}

rule of_rules {
  condition:
    all of (helper, other) or 2 of (filesize > 10, filesize < 20, uint8(0) == 1)
}

rule not_a_rule {
  condition:
    not helper and not other
}
