rule a { strings: $a1 = "aaaa" $a2 = "bbbb" $b = "cccc" condition: any of ($a1, $b) or all of ($a*) or 2 of ($a *, $b) or 1 of ($*) }
