rule a {
  strings:
    $a = "text" ascii
    $b = "text" wide
    $c = "text" nocase
    $d = "text" fullword
    $e = "text" private
    $f = "text" wide ascii nocase fullword private
  condition: any of them
}
