rule a { strings: $a = "aaaa" }
rule b { condition: filesize > 0 }
