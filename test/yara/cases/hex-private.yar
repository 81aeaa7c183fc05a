rule a { strings: $a = { 01 02 03 04 } private condition: $a }
