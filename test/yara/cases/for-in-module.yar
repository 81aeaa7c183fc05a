import "pe"
rule a {
  condition:
    for any section in pe.sections : (section.name == ".text") and
    for any key, value in pe.version_info : (key == "a" and value contains "b")
}
