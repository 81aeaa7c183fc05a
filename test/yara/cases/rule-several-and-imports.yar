import "pe"
import "math"
rule a { condition: pe.is_pe }
rule b { condition: a and not filesize == 0 }
