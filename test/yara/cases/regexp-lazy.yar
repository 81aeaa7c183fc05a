rule a { strings: $a = /xab*?c+?d??e{3}?f{2,}?y/ condition: $a }
