rule a { condition: 1 | 2 ^ 3 & 4 << 5 == filesize }
