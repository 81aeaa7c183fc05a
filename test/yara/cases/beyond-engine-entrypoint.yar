rule a { strings: $a = "aaaa" condition: $a at entrypoint }
