rule a { strings: $a = "aaaa" condition: $a at 0 and $a at 0x10 + 2 * 3 or $a at filesize - 4 }
