rule a { condition: filesize == -1 + ~2 * - - 3 and -(filesize) < ~(1 | 2) }
