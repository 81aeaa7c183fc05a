import "pe"
rule a {
  condition:
    pe.dll_name contains "a" or pe.dll_name icontains "b" or pe.dll_name startswith "c" or
    pe.dll_name istartswith "d" or pe.dll_name endswith "e" or pe.dll_name iendswith "f" or
    pe.dll_name iequals "g" or pe.dll_name matches /h.{1,3}i/is or pe.dll_name == "j\x00"
}
