rule a1 { condition: filesize > 1 }
rule a2 { condition: filesize > 2 }
rule b { condition: any of (a1, a2) or 2 of (a1, a2, a1) or none of (a1) }
