import "math"
rule a { condition: math.entropy(0, filesize) > 7.5 and math.entropy(0, 10) < 1_0.2_5 }
