rule a { strings: $a = { 01 0 G2 } condition: $a }
rule b { condition: filesize > 0 }
