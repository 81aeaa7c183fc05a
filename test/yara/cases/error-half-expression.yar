rule a { strings: $a = "aaaa" condition: $a and }
rule b { condition: filesize > 0 }
