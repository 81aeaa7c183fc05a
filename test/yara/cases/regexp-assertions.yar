rule a { strings: $a = /^abc\bdef\Bghi$/ $b = /\Aabcd\z/ condition: any of them }
