rule a { strings: $a = "\n\t\r\"\\\x00\xFfz\012" condition: $a }
