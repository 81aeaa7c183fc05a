rule a { strings: $a = "naïve 🦊" condition: $a }
