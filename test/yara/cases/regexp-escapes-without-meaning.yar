rule a { strings: $a = /\g\Z\e\_\<\-[\g]y/ condition: $a }
