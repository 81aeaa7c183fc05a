rule a { strings: $a = "aaaa" condition: $a in (0..100) and $a in (filesize - 100 .. filesize) and $a in (1 . . 2) }
