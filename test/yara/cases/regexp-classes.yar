rule a { strings: $a = /x[a-c_][^a-z][]x][^]x][a-][-a][\]\-\\]y/ condition: $a }
