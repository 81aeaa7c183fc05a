// All, and not one.
rule BenchAllOf {
  strings:
    $a = "import os"
    $b = "import sys"
    $c = "subprocess"
  condition:
    $a and $b and not $c
}
