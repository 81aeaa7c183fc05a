rule a { strings: $a = "aaaa
  condition: $a }
rule b { condition: filesize > 0 }
