rule a { strings: $a = "aaaa" $b = "bbbb" condition: any of them at 0 or all of ($a, $b) in (0..100) or 1 of ($*) at filesize - 4 and $a }
