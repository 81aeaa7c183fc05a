rule a { strings: $a = /xy(ab|c|)z|other/ condition: $a }
