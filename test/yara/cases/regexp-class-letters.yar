rule a { strings: $a = /x\d\D\w\W\s\S[\d_][^\w]y/ condition: $a }
