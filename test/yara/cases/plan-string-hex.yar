rule hex {
  strings:
    $runs = { 60 E8 00 11 22 33 ?? 8B 45 F8 99 [4-8] 50 FF 15 A1 B2 }
    $nibble = { DE AD 4? BE EF }
    $not = { DE AD BE EF ~00 CA FE BA BE }
    $choice = { 11 22 ( 33 44 | 55 66 77 ) 88 99 }
    $gap_in_choice = { 11 22 33 44 ( 33 44 | 55 [2] 66 ) 88 99 AA BB }
    $unbounded = { 01 02 03 04 05 [-] 06 07 08 09 0A }
    $wild = { 41 ?? 42 ?? 43 }
  condition:
    $runs and $nibble and $not and $choice and $gap_in_choice and $unbounded and $wild
}
