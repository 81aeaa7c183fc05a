rule a { strings: $ = "one" $ = { 01 02 03 04 } $ = /three/ condition: all of them }
