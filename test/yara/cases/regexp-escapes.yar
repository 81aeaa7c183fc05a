rule a { strings: $a = /\n\t\r\f\v\a\x41\x{42}\u0043\.\/\\\*y/ condition: $a }
