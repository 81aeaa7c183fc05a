rule a { strings: $a = "aaaa" $b = "bbbb" $c = "cccc" condition: ($a or $b) and (((not ($c)))) }
