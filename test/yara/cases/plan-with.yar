rule with_names {
  condition:
    with magic = uint16(0), offset = 4 * 2 : ( magic == 0x5A4D and uint32(offset + 4) == 0x10 )
}
