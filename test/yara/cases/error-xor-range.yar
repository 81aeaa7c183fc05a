rule a { strings: $a = "aaaa" xor(1-256) condition: $a }
