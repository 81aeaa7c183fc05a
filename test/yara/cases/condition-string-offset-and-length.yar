rule a { strings: $a = /ab+c/ condition: @a == 3 and @a[2] < @a[1 + 2] and !a > 4 and !a[1] == 5 }
