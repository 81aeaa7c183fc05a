// DOS stub, and the PE signature soon after.
rule BenchHexJump {
  strings:
    $a = { 54 68 69 73 20 70 72 6F 67 72 61 6D [16-200] 50 45 00 00 }
  condition:
    $a
}
