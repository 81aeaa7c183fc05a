rule a { strings: $a = /abcd(?x: e f)/ $b = /abcd[a-z&&[^b]]/ $c = /abcd(?m:^e)/ condition: any of them }
