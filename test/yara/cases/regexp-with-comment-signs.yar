rule a { strings: $a = /http:\/\/[a-z]+\/*x/ condition: $a }
