rule a { condition: filesize == 10 - 3 - 2 and filesize == 100 \ 5 \ 2 }
