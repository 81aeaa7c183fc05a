rule a { strings: $a = { 01 02 [4] 03 04 [1-16] 05 06 [0-1] 07 [ 2 - 3 ] 08 } condition: $a }
