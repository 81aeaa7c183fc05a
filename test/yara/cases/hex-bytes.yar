rule a { strings: $a = { 4D5a 90 00 } $b = {FF ff 0a0B} condition: any of them }
