rule a { condition: uint16(0) == 0x5A4D and uint32be(uint32(0x3C)) == 0x50450000 and int8(filesize - 1) < 0 }
