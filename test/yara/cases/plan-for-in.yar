import "pe"

rule for_in {
  strings:
    $a = "alpha string"
  condition:
    for any i in (0..2) : ( uint8(i) == 0x4d ) and
    for all i in (1, 2) : ( uint16(i * 2) == 0x4141 ) and
    for any i in (1..#a) : ( @a[i] < 100 )
}

rule may_be_empty {
  strings:
    $a = "alpha string"
  condition:
    for all i in (1..#a) : ( @a[i] < 100 )
}

rule sections {
  condition:
    for any section in pe.sections : ( section.name == ".evil" )
}
