rule a { condition: and or ) == 3 [ }
rule b { condition: filesize > }
rule c { condition: filesize > 1 }
