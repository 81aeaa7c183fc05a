rule a { strings: $a = "aaaa" $b = "bbbb" condition: 1 + 1 of them and #a of them and (2) of ($a, $b) and 3 * 5 % 2 of them }
