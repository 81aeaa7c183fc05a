rule a { condition: for all i in (1, 2, 3 + 4) : (i > 0) and for any i in (5) : (i == 5) and for none s in ("a", "b") : (s == "c") }
