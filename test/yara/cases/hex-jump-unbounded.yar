rule a { strings: $a = { 01 02 03 [10-] 04 05 06 [-] 07 08 09 [-4] 0A } condition: $a }
