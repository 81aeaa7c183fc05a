rule a { strings: $a = "aaaa" $b = "bbbb" condition: any of them or all of them or none of them or 2 of them }
