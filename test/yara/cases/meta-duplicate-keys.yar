rule a { meta: author = "one" author = "two" author = 3 condition: filesize > 0 }
