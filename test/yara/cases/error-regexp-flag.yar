rule a { strings: $a = /aaaa/x condition: $a }
