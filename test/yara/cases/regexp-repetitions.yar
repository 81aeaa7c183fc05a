rule a { strings: $a = /xab*c+d?e{3}f{2,}g{1,4}h{,2}k{ 1 , 2 }y/ condition: $a }
