rule a { strings: $a = { 4D ?? 5? ?0 90 } condition: $a }
