import "pe"
rule a { strings: $a = "aaaa" condition: $a and pe."x" and (pe.sections[0]).-1 and pe.(#a) }
