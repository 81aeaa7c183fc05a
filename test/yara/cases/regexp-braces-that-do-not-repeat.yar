rule a { strings: $a = /xya{/ $b = /xya{}/ $c = /xya{z}b}/ $d = /{1}xy/ $e = /xya{3,1}/ $f = /xy{{1}/ condition: any of them }
