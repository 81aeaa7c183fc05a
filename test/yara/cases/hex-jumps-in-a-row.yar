rule a { strings: $a = { 01 02 03 [2] [3-4] 04 } condition: $a }
