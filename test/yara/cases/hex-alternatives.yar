rule a { strings: $a = { 01 ( 02 | 03 04 | ?5 ) 06 } condition: $a }
