import "math"
rule a { condition: with n = 2, m = 3 : (any of (n * m == 6, n * 2 == 1)) }
