include "other.yar"
rule a { condition: filesize > 0 }
