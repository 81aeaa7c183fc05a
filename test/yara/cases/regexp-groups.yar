rule a { strings: $a = /x(ab)(?:cd)(?P<name>ef)(?<other>gh)y/ condition: $a }
