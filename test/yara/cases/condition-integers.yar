rule a { condition: filesize == 0x1F or filesize == 0o17 or filesize == 1_000 or filesize == 5KB or filesize == 2MB or filesize == 9223372036854775807 }
