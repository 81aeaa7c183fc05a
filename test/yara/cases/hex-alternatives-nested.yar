rule a { strings: $a = { ( 01 | ( 02 | 03 [2-3] 04 ) 05 ) 06 07 } condition: $a }
