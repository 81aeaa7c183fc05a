rule a { strings: $a = /x(ab{2}(c|d)*){1,3}y++/ condition: $a }
