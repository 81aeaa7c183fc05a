rule a { strings: $a = "aaaa" $b = "bbbb" condition: 50% of them and (filesize - 1)% of ($a, $b) and 50 % of them at 0 }
