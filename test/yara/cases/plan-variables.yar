rule name {
  condition:
    filename == "setup.exe" and extension != ".exe"
}

rule names {
  condition:
    filename == "a.php" or "b.php" == filename or filename endswith "c" or filetype == "TEXT" or filename == "d.php"
}

rule without_case {
  condition:
    filepath icontains "/Temp/" and owner iequals "ROOT" and filename icontains "Straße"
}

rule patterns {
  condition:
    filename matches /\.(php|JSP)$/i and filename matches /^[a-z]+$/ and not filename matches /lib/
}

rule contraries {
  strings:
    $a = "something"
  condition:
    not (filename contains "lib" or extension == "") and not ($a and owner startswith "adm")
}

rule as_conditions {
  condition:
    owner and not filepath
}

rule bound {
  condition:
    with n = filename : (n startswith "x" and for any t in ("EXE", "ELF") : (filetype == t))
}

rule hidden {
  condition:
    for any extension in (1..2) : (extension == 1)
}

rule left_to_the_engine {
  condition:
    filename > "a" and filename == owner
}
