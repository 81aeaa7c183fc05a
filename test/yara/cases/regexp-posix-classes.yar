rule a { strings: $a = /x[[:alpha:]][[:^digit:]_][[:xdigit:][:space:]]y/ condition: $a }
