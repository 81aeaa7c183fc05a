rule a { condition: with first = uint16(0), next = first + 1 : (first == 0x5A4D and next > first) }
