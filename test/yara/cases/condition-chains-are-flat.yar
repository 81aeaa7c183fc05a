rule a { strings: $a = "aaaa" $b = "bbbb" $c = "cccc" $d = "dddd" condition: $a and $b and $c and $d or $a or $b }
