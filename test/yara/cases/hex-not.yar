rule a { strings: $a = { 4D ~5A ~0? ~?1 90 } condition: $a }
