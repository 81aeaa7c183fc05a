rule xor_keys {
  strings:
    $range = "This program" xor(1-2)
    $wide = "This program" xor(7) wide
    $plain_key = "This program" xor(0-1) wide
  condition:
    $range and $wide and $plain_key
}

rule every_key {
  strings:
    $a = "cannot be run" xor ascii wide
  condition:
    #a >= 1 and filesize < 1MB
}
