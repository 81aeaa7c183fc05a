import "pe"
rule a { condition: filesize > 1 and with s = pe.sections[0] : (with n = s.name : (n == "x" or n contains "y")) }
