rule a { condition: filesize > 0 }
/* never closed
rule b { condition: filesize > 0 }
