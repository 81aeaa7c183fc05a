rule header {
  condition:
    uint32be(0) == 0xCAFEBABE and int8(4) == -1 and uint16(6) & 0xFF0F == 0x1205 and uint8(8) > 0x7f and
    filesize >= 1KB and filesize < 500KB and 0x20 == uint8(9)
}

rule impossible {
  condition:
    uint8(0) == 300 or filesize < 0 or false
}

rule nested_read {
  condition:
    uint16(0) == 0x5A4D and uint32(uint32(0x3C)) == 0x00004550
}

rule not_a_header {
  condition:
    not (uint16(0) == 0x5A4D) and uint8(2) != 7
}

rule defined_read {
  condition:
    defined uint32(100)
}
