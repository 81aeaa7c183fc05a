rule a { strings: $a = /aaaa
  condition: $a }
