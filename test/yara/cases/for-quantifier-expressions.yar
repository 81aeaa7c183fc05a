rule a { strings: $a = "aaaa" condition: for #a i in (1..3) : (i > 1) and for 1 + 5 % 2 of them : ($) and for (1) i in (1, 2) : (i == 1) }
