import "pe"
import "elf"
import "dotnet"
import "macho"
import "hash"

rule signed {
  condition:
    for any i in (0..pe.number_of_signatures) : (
      pe.signatures[i].subject contains "Some Company, Inc." and
      (
        pe.signatures[i].serial == "77:01:9a:08:23:85:e4:b7:3f:56:95:69:c9:f8:7b:b8" or
        pe.signatures[i].serial == "00:f8:01:9a:08:23:85:e4"
      ) and
      1308182400 <= pe.signatures[i].not_after
    )
}

rule program {
  condition:
    pe.imphash() == "00000000000000000000000000000000" and pe.is_pe and pe.number_of_sections > 2
}

rule other_programs {
  condition:
    elf.type == elf.ET_EXEC or dotnet.version == "v4.0.30319" or macho.filetype == 2
}

rule constants_and_counts {
  condition:
    pe.MACHINE_I386 == 332 or pe.imports("kernel32.dll") == 0
}

rule digest {
  condition:
    hash.sha256(0, filesize) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" or
    hash.md5(0, filesize) iequals "900150983CD24FB0D6963F7D28E17F72"
}
