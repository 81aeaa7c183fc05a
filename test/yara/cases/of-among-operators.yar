rule a { strings: $a = "aaaa" $b = "bbbb" condition: $a at 0 and 2 of them or not any of them and 1 of ($a) }
