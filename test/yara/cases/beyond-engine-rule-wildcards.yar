rule a1 { condition: filesize > 1 }
rule a2 { condition: filesize > 2 }
rule b { condition: any of (a*) or 2 of (a *, a1) }
