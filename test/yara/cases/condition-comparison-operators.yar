rule a { condition: filesize == 1 or filesize != 2 or filesize < 3 or filesize <= 4 or filesize > 5 or filesize >= 6 }
