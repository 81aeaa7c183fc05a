rule a { strings: $a = "aaaa\q" condition: $a }
