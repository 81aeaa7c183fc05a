rule a { strings: $a = /abc(?i:def)ghi/ $b = /(?i)abcd/ $c = /abcd(?s:.)e/ condition: any of them }
