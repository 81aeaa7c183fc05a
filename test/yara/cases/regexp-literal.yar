rule a { strings: $a = /plain text/ condition: $a }
