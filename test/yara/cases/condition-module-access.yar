import "pe"
rule a {
  condition:
    pe.sections[0].name == ".text" and pe.sections[pe.number_of_sections - 1].raw_data_size > 0 and
    pe.imports("kernel32.dll", "CreateFileA") and pe.version_info["CompanyName"] contains "x"
}
