rule counts {
  strings:
    $a = "alpha string"
    $b = "bravo string"
    $c = "charlie string"
    $d = "delta string"
    $e = "echo string"
  condition:
    #a > 2 and @b[1] < 100 and !c == 14 and #d >= 0 and #e == 0
}
