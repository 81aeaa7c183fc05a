rule a {
  strings:
    $a = "text" xor
    $b = "text" xor(1-255)
    $c = "text" xor(0x20)
    $d = "text" xor ( 0x01 - 0x1f ) wide ascii
  condition: any of them
}
