rule a { strings: $and = "and" $1 = "number" $_x = "underscore" $them = "them" condition: $and and $1 and $_x and $them }
