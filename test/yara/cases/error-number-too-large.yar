rule a { condition: filesize == 0xFFFFFFFFFFFFFFFF }
