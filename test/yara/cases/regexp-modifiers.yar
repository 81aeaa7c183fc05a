rule a { strings: $a = /abc[0-9]/ nocase wide ascii fullword private condition: $a }
