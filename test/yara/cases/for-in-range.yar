rule a { condition: for any i in (0..filesize - 1) : (uint8(i) == 1) and for 2 i in (1 .. 3) : (i == 2) and for 50% i in (1..4) : (i > 2) }
