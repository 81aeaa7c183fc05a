import "pe"
rule a { condition: not filesize == 1 and defined pe.entry_point and not defined filesize > 2 }
