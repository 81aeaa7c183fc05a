import "pe"
rule a { condition: (pe.sections[0]).name == "x" }
