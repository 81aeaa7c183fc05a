rule a { strings: $a = "\n\t\r\"\\\x00\xfFz" condition: $a }
