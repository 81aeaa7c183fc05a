rule text {
  strings:
    $a = "GetProcAddress"
    $folded = "KERNEL32.dll" nocase
    $short = "abc"
    $four = "abcd" fullword private
  condition:
    $a and $folded and $short and $four
}
