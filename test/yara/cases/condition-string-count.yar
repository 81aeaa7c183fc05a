rule a { strings: $a = "aaaa" condition: #a == 2 and #a in (0..100) > 1 and #a * 2 < 9 }
