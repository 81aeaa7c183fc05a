rule a { strings: $a = "aaaa" $b = "bbbb" condition: any of ($a and $b, filesize > 3, true) or 1 of ($a, $b at 0) or all of (($a), $b) }
