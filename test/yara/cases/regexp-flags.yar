rule a { strings: $a = /abc.d/i $b = /abc.d/s $c = /abc.d/is condition: any of them }
